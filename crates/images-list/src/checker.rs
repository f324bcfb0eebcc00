//! A checker that finds all problems of lists.

use crate::destination::Destination;
use crate::list::List;
use crate::misplaced_rows::misplaced;
use crate::problem::{Location, Problem, ProblemKind};
use crate::row::{NumberedRow, Row};
use crate::targets_file::{ExpansionError, Expansions, Targets, WrittenRepository};
use image_name::{ManifestReference, RepositoryName};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

/// A checker of lists. Each list is also checked against the lists before it.
///
/// ```
/// use images_list::{Checker, List};
///
/// let weekly = List::parse("busybox r/busybox 1.36\n");
/// let daily = List::parse("alpine r/alpine 3.9\nquay.io/busybox r/busybox 1.36\n");
/// let mut checker = Checker::default();
/// assert!(checker.check("weekly", &weekly).is_empty());
/// let problems = checker.check("daily", &daily);
/// assert_eq!(problems.len(), 1);
/// assert_eq!(problems[0].line, 2);
/// assert!(problems[0].to_string().contains("`busybox` on weekly:1"));
/// ```
///
/// The default knows no targets.
#[derive(Debug, Default)]
pub struct Checker<'a> {
    names: Vec<&'a str>,
    expansions: Expansions<'a>,
    /// The destinations that rows have, in the order of their first rows.
    destinations: Vec<CheckedDestination<'a>>,
    /// Indexes into `destinations`.
    by_destination: HashMap<&'a Destination, usize>,
    /// The last destination and its index. Most rows of a sorted list repeat it.
    last: Option<(&'a Destination, usize)>,
    /// The destinations that write each repository, by its hash, as indexes into `destinations`.
    writers: HashMap<u64, Writers>,
    hashing: RandomState,
    /// The first row of each source for every destination, by its index, and tag.
    first_rows: HashMap<(usize, &'a ManifestReference), FirstRows<'a>>,
}

/// A destination, as rows write it.
#[derive(Debug)]
struct CheckedDestination<'a> {
    destination: &'a Destination,
    /// The reasons why it has no repositories.
    errors: Option<Arc<[ExpansionError]>>,
    /// Another destination writes a repository with the hash of one of its own.
    is_shared: bool,
}

/// The destinations that write a repository: seldom more than one.
#[derive(Debug)]
struct Writers {
    first: usize,
    #[expect(clippy::box_collection, reason = "a long list has very many writers")]
    others: Option<Box<Vec<usize>>>,
}

impl Writers {
    fn iter(&self) -> impl Iterator<Item = usize> {
        let others = self.others.iter().flat_map(|others| others.iter());
        std::iter::once(self.first).chain(others.copied())
    }
}

/// The first row of each source for a destination and tag.
#[derive(Debug)]
struct FirstRows<'a> {
    first: FirstRow<'a>,
    /// Rows with other sources: seldom any.
    others: Vec<FirstRow<'a>>,
}

#[derive(Debug, Clone, Copy)]
struct FirstRow<'a> {
    row: &'a Row,
    /// The index into `Checker::names`.
    list: usize,
    line: usize,
}

impl<'a> FirstRows<'a> {
    fn iter(&self) -> impl Iterator<Item = &FirstRow<'a>> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

impl<'a> Checker<'a> {
    /// Creates a checker of lists whose rows may name targets.
    #[must_use]
    pub fn new(targets: &'a Targets) -> Self {
        Self {
            expansions: Expansions::new(targets),
            ..Self::default()
        }
    }

    /// Returns the problems of a list in the order of its lines: invalid rows, unknown targets,
    /// duplicates of rows in this list or an earlier one, destinations and tags with another source,
    /// rows out of order.
    ///
    /// Problems of later lists name this list `name`. If a destination and tag has more than two
    /// sources, each is reported against the first.
    pub fn check(&mut self, name: &'a str, list: &'a List) -> Vec<Problem> {
        self.names.push(name);
        let mut problems = list.invalid_rows();
        for numbered in list.rows() {
            let line = numbered.line;
            let destination = self.destination(&numbered.row.destination);
            let kinds = match &self.destinations[destination].errors {
                None => self.duplicates_and_conflicts(numbered, destination),
                Some(errors) => invalid_destination(numbered.row, errors),
            };
            problems.extend(kinds.into_iter().map(|kind| Problem { line, kind }));
        }
        problems.extend(misplaced(list));
        // Stable: the problems of a line keep the order above.
        problems.sort_by_key(|problem| problem.line);
        problems
    }

    /// Returns the index of a destination.
    fn destination(&mut self, destination: &'a Destination) -> usize {
        if let Some((last, index)) = self.last
            && last == destination
        {
            return index;
        }
        let index = match self.by_destination.get(destination) {
            Some(index) => *index,
            None => self.add_destination(destination),
        };
        self.last = Some((destination, index));
        index
    }

    fn add_destination(&mut self, destination: &'a Destination) -> usize {
        let index = self.destinations.len();
        let written = self.expansions.expand(destination);
        let mut is_shared = false;
        for WrittenRepository { repository, .. } in written.iter().flat_map(|all| all.iter()) {
            match self.writers.entry(self.hashing.hash_one(repository)) {
                Entry::Vacant(entry) => {
                    let others = None;
                    let first = index;
                    entry.insert(Writers { first, others });
                }
                Entry::Occupied(entry) => {
                    let writers = entry.into_mut();
                    is_shared = true;
                    for other in writers.iter().filter(|other| *other != index) {
                        self.destinations[other].is_shared = true;
                    }
                    writers.others.get_or_insert_default().push(index);
                }
            }
        }
        self.destinations.push(CheckedDestination {
            destination,
            errors: written.err(),
            is_shared,
        });
        self.by_destination.insert(destination, index);
        index
    }

    /// Compares the tags that a row writes with those of the recorded rows, and records them.
    fn duplicates_and_conflicts(
        &mut self,
        NumberedRow { line, row }: NumberedRow<'a>,
        destination: usize,
    ) -> Vec<ProblemKind> {
        let list = self.names.len() - 1;
        let this = FirstRow { row, list, line };
        let mut kinds: Vec<ProblemKind> = Vec::new();
        for tag in row.tag.destinations() {
            let found = match self.destinations[destination].is_shared {
                true => self.compare_shared(this, tag),
                false => self
                    .compare(this, &[destination], tag, None)
                    .into_iter()
                    .collect(),
            };
            for kind in found {
                // A repeated row is one problem, however many tags and repositories it writes.
                if !kinds.contains(&kind) {
                    kinds.push(kind);
                }
            }
            self.record(this, destination, tag);
        }
        kinds
    }

    /// Records a row as the first of its image for a destination and tag, unless one is.
    fn record(&mut self, this: FirstRow<'a>, destination: usize, tag: &'a ManifestReference) {
        match self.first_rows.entry((destination, tag)) {
            Entry::Vacant(entry) => {
                let others = Vec::new();
                entry.insert(FirstRows {
                    first: this,
                    others,
                });
            }
            Entry::Occupied(entry) => {
                let known = entry.into_mut();
                if !known
                    .iter()
                    .any(|first| first.row.copies_same_image(this.row))
                {
                    known.others.push(this);
                }
            }
        }
    }

    /// Compares a row with those of all destinations that write one of its repositories.
    fn compare_shared(&mut self, this: FirstRow<'a>, tag: &ManifestReference) -> Vec<ProblemKind> {
        let written = self.expansions.expand(&this.row.destination);
        let repositories = written.iter().flat_map(|written| written.iter());
        let mut kinds = Vec::new();
        for WrittenRepository { repository, .. } in repositories {
            let writers = self.writers.get(&self.hashing.hash_one(repository));
            let mut all: Vec<usize> = writers.into_iter().flat_map(Writers::iter).collect();
            // Different repositories can have one hash.
            all.retain(|index| {
                let other = self.destinations[*index].destination;
                let written = self.expansions.expand(other);
                let mut written = written.iter().flat_map(|written| written.iter());
                written.any(|other| other.repository == *repository)
            });
            kinds.extend(self.compare(this, &all, tag, Some(repository)));
        }
        kinds
    }

    /// Compares a row with the rows of destinations that have the same tag. `repository` is the one that
    /// these destinations share, `None` if there is only one destination.
    fn compare(
        &self,
        FirstRow { row, list, .. }: FirstRow<'a>,
        destinations: &[usize],
        tag: &ManifestReference,
        repository: Option<&RepositoryName>,
    ) -> Option<ProblemKind> {
        let of_destination = |index: &usize| self.first_rows.get(&(*index, tag));
        let rows = destinations.iter().filter_map(of_destination);
        let mut rows: Vec<&FirstRow<'_>> = rows.flat_map(FirstRows::iter).collect();
        rows.sort_by_key(|first| (first.list, first.line));
        let first = *rows.first()?;
        let location = |first: &FirstRow<'_>| Location {
            list: (first.list != list).then(|| self.names[first.list].to_owned()),
            line: first.line,
        };
        let destination = |other: &Row| match (repository, row.destination.targets()) {
            (Some(shared), Some(_)) if other.destination != row.destination => shared.full(),
            _ => row.destination.to_string(),
        };
        let mut rows = rows.into_iter();
        let Some(same) = rows.find(|first| first.row.copies_same_image(row)) else {
            let destination = destination(first.row);
            return Some(conflict(row, tag, destination, first.row, location(first)));
        };
        let first = location(same);
        Some(if same.row == row {
            let row = row.clone();
            ProblemKind::Duplicate { row, first }
        } else {
            ProblemKind::DuplicateTag {
                destination: destination(same.row),
                tag: tag.clone(),
                first,
            }
        })
    }
}

fn invalid_destination(row: &Row, errors: &[ExpansionError]) -> Vec<ProblemKind> {
    let errors = errors.iter().map(|reason| ProblemKind::InvalidDestination {
        destination: row.destination.to_string(),
        reason: reason.clone(),
    });
    errors.collect()
}

fn conflict(
    row: &Row,
    tag: &ManifestReference,
    destination: String,
    other_row: &Row,
    other: Location,
) -> ProblemKind {
    let is_one_source = row.source == other_row.source;
    let source = |row: &Row| match is_one_source || row.tag.source() != tag {
        true => row.copied_reference().to_string(),
        false => row.source.to_string(),
    };
    ProblemKind::Conflict {
        this_source: source(row),
        destination,
        tag: tag.clone(),
        other,
        other_source: source(other_row),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Severity;

    fn check(text: &str) -> Vec<(usize, String)> {
        let list = List::parse(text);
        let problems = Checker::default().check("list", &list);
        problems
            .iter()
            .map(|problem| (problem.line, problem.to_string()))
            .collect()
    }

    #[test]
    fn valid_sorted_list_has_no_problems() {
        let text = "# z\na/b c/d 1.9\r\n\n//x\na/b c/d 1.10\r\na/b c/e 1.9";
        assert_eq!(check(text), []);
    }

    #[test]
    fn check_returns_each_problem_once_in_line_order() {
        let text = "b d/b 1\nwrong\na d/a 1\nlibrary/b d/b 1\nc d/b 1\nc d/b 1\n";
        let expected = [
            (2, "expected 3 fields"),
            (
                3,
                "out of order: `a d/a 1` belongs before line 1, `b d/b 1`; move it there",
            ),
            (4, "duplicate row: `library/b d/b 1` is already on line 1"),
            (
                4,
                "out of order: `library/b d/b 1` belongs after line 6, `c d/b 1`",
            ),
            (5, "`d/b:1` has two sources, `c` here and `b` on line 1: "),
            (6, "duplicate row: `c d/b 1` is already on line 5"),
        ];
        let found = check(text);
        assert_eq!(found.len(), expected.len(), "{found:#?}");
        for ((line, message), (expected_line, start)) in found.iter().zip(expected) {
            assert_eq!(*line, expected_line);
            assert!(message.starts_with(start), "{message}");
        }
    }

    #[test]
    fn duplicates_and_conflicts_are_those_of_the_written_tags() {
        let digest = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
        let table = [
            ("a d/a 1=1,latest\na d/a 2\n", ""),
            (
                "a d/a 1=1,latest\na d/a 2=2,latest\n",
                "`d/a:latest` has two sources, `docker.io/library/a:2` here and \
                 `docker.io/library/a:1` on line 1: ",
            ),
            (
                "a d/a 1\na d/a 1=1,latest\n",
                "duplicate tag: `d/a:1` is already written by the row on line 1; ",
            ),
            (
                "a d/a 1=1,latest\na d/a 1=1,latest\n",
                "duplicate row: `a d/a 1=1,latest` is already on line 1; ",
            ),
            (
                "a d/a 1\nb d/a 2=1\n",
                "`d/a:1` has two sources, `docker.io/library/b:2` here and `a` on line 1: ",
            ),
            (
                "a d/a 1\na d/a 1@DIGEST\n",
                "`d/a:1` has two sources, `docker.io/library/a@DIGEST` here and",
            ),
        ];
        for (text, want) in table {
            let found = check(&text.replace("DIGEST", digest));
            let messages: Vec<_> = found.iter().map(|(_, message)| message.as_str()).collect();
            let want = want.replace("DIGEST", digest);
            match messages[..] {
                [] => assert_eq!(want, "", "{text}"),
                [message] => assert!(message.starts_with(&want), "{text}: {message}"),
                _ => panic!("{text}: {messages:?}"),
            }
        }
    }

    #[test]
    fn duplicates_and_conflicts_are_found_behind_targets() {
        let targets = Targets::parse(
            r#"{"targets": {"hub": {"prefix": "docker.io/r"}, "prime": {"prefix": "p.io"}},
                "groups": {"all": ["hub", "prime"]}}"#,
        )
        .unwrap();
        let table = [
            ("a @hub/a 1\na @prime/a 1\nb @all/b 1\n", vec![]),
            (
                "a @all/a 1\nb @all/a 1\n",
                vec!["`@all/a:1` has two sources, `b` here and `a` on line 1: "],
            ),
            (
                "a @all/a 1\nb docker.io/r/a 1\n",
                vec!["`docker.io/r/a:1` has two sources, `b` here and `a` on line 1: "],
            ),
            (
                "a r/a 1\nb @all/a 1\n",
                vec!["`docker.io/r/a:1` has two sources, `b` here and `a` on line 1: "],
            ),
            (
                "a @all/a 1\na @hub,prime/a 1\n",
                vec![
                    "duplicate tag: `docker.io/r/a:1` is already written by the row on line 1; ",
                    "duplicate tag: `p.io/a:1` is already written by the row on line 1; ",
                ],
            ),
            (
                "a @all/a 1\na @all/a 1\n",
                vec!["duplicate row: `a @all/a 1` is already on line 1; "],
            ),
            (
                "a @hubb,al/a 1\n",
                vec![
                    "invalid destination `@hubb,al/a`: `hubb` is not a target or group; the nearest name is `hub`",
                    "invalid destination `@hubb,al/a`: `al` is not a target or group; the nearest name is `all`",
                ],
            ),
        ];
        for (text, want) in table {
            let list = List::parse(text);
            let problems = Checker::new(&targets).check("list", &list);
            let found: Vec<_> = problems.iter().map(ToString::to_string).collect();
            assert_eq!(found.len(), want.len(), "{text}: {found:?}");
            for (found, want) in found.iter().zip(want) {
                assert!(found.starts_with(want), "{text}: {found}");
            }
        }
        let list = List::parse("a @hub/a 1\n");
        let problems = Checker::default().check("list", &list);
        assert_eq!(problems[0].severity(), Severity::Error);
        let message = problems[0].to_string();
        assert!(message.contains("there is no targets file"), "{message}");
    }

    #[test]
    fn invalid_rows_are_errors_and_all_else_is_a_warning() {
        let list = List::parse("a x 1\na x 1\nb x 1\na x 0\nwrong\n");
        let problems = Checker::default().check("list", &list);
        let severities: Vec<_> = problems.iter().map(|p| (p.line, p.severity())).collect();
        let warning = |line| (line, Severity::Warning);
        assert_eq!(
            severities,
            [warning(2), warning(3), warning(4), (5, Severity::Error)]
        );
    }

    #[test]
    fn merge_marks_are_named() {
        let text = "<<<<<<< HEAD\na x 1\n||||||| 12ab\r\n=======\na x 2\n>>>>>>> topic\n======\n";
        let found = check(text);
        let lines: Vec<_> = found.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [1, 3, 4, 6, 7], "{found:#?}");
        for (_, message) in &found[..4] {
            assert!(message.contains("unresolved merge conflict"), "{message}");
        }
        assert!(found[4].1.contains("expected 3 fields"), "{found:#?}");
    }

    #[test]
    fn problems_name_the_other_list() {
        let (first, second) = (List::parse("a x 1\n"), List::parse("a x 1\nb x 1\n"));
        let mut checker = Checker::default();
        assert_eq!(checker.check("first", &first), []);
        let problems = checker.check("second", &second);
        assert!(!problems[0].is_fixed_by_format(), "fmt sees one list");
        let messages: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert!(
            messages[0].contains("is already on first:1"),
            "{messages:?}"
        );
        assert!(
            messages[1].contains("`b` here and `a` on first:1"),
            "{messages:?}"
        );
        assert_eq!(messages.len(), 2);
    }

    #[test]
    fn forms_of_one_registry_conflict() {
        for (first, second) in [
            ("r/a", "docker.io/r/a"),
            ("r/a", "index.docker.io/r/a"),
            ("r/a", "registry-1.docker.io/r/a"),
            ("r/a", "docker.io:443/r/a"),
            ("busybox", "registry-1.docker.io/busybox"),
            ("quay.io/r/a", "QUAY.io:443/r/a"),
            ("localhost/a", "127.0.0.1/a"),
            ("localhost/a", "127.0.0.1:80/a"),
            ("localhost:5000/a", "127.0.0.1:5000/a"),
        ] {
            let text = format!("q.io/a {first} 1\nq.io/b {second} 1\n");
            let problems = check(&text);
            let message = problems.first().map_or("", |(_, message)| message.as_str());
            assert!(message.contains("has two sources"), "{text}: {problems:?}");
            // As sources, they are one: the second row is a duplicate.
            let text = format!("{first} r.io/x 1\n{second} r.io/x 1\n");
            let messages = check(&text).into_iter().map(|(_, message)| message);
            assert!(
                messages
                    .into_iter()
                    .any(|message| message.starts_with("duplicate row")),
                "{text}"
            );
        }
        for (first, second) in [
            ("quay.io/r/a", "quay.io:80/r/a"),
            ("localhost:5000/a", "127.0.0.1:5001/a"),
            ("localhost/a", "localhost:443/a"),
            ("r/a", "hub.docker.com/r/a"),
        ] {
            let text = format!("q.io/a {first} 1\nq.io/b {second} 1\n");
            assert_eq!(check(&text), [], "{text}");
        }
    }
}
