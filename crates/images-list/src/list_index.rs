//! An index of the rows of a list.

use crate::destination::Destination;
use crate::list::List;
use crate::mirror_name::default_mirror_name;
use crate::row::{NumberedRow, Row};
use crate::targets_file::{Expansions, Targets};
use image_name::{ManifestReference, RepositoryName};
use std::collections::{HashMap, HashSet};

/// An index of the rows of a list by source, and by destination and tag.
#[derive(Debug)]
pub struct ListIndex<'a> {
    sources: Vec<Source<'a>>,
    /// Indexes into `sources`.
    by_source: HashMap<&'a RepositoryName, usize>,
    by_destination: HashMap<RepositoryName, HashMap<&'a ManifestReference, Vec<NumberedRow<'a>>>>,
    targets: Option<&'a Targets>,
}

/// A source of the list with its destinations and rows.
#[derive(Debug)]
pub struct Source<'a> {
    /// The source, as the first row spells it.
    pub repository: &'a RepositoryName,
    /// The destinations, each once, in the order of the list.
    pub destinations: Vec<&'a Destination>,
    /// The rows in the order of the list.
    pub rows: Vec<NumberedRow<'a>>,
    tags: HashSet<&'a ManifestReference>,
}

impl<'a> ListIndex<'a> {
    /// Indexes the rows of a list without targets.
    #[must_use]
    pub fn new(list: &'a List) -> Self {
        Self::build(list, None)
    }

    /// Indexes the rows of a list whose rows may name targets.
    #[must_use]
    pub fn with_targets(list: &'a List, targets: &'a Targets) -> Self {
        Self::build(list, Some(targets))
    }

    fn build(list: &'a List, targets: Option<&'a Targets>) -> Self {
        let mut index = Self {
            sources: Vec::new(),
            by_source: HashMap::new(),
            by_destination: HashMap::new(),
            targets,
        };
        let mut expansions = targets.map_or_else(Expansions::default, Expansions::new);
        for numbered in list.rows() {
            index.add(numbered, &mut expansions);
        }
        index
    }

    fn add(&mut self, numbered: NumberedRow<'a>, expansions: &mut Expansions<'_>) {
        let Row {
            source,
            destination,
            tag,
        } = numbered.row;
        let position = *self.by_source.entry(source).or_insert_with(|| {
            self.sources.push(Source::new(source));
            self.sources.len() - 1
        });
        if let Some(source) = self.sources.get_mut(position) {
            source.add(numbered);
        }
        // An unknown target is a problem of the list, and has no repository.
        let Ok(written) = expansions.expand(destination) else {
            return;
        };
        for written in written.iter() {
            let repository = written.repository.clone();
            let tags = self.by_destination.entry(repository).or_default();
            for tag in tag.destinations() {
                tags.entry(tag).or_default().push(numbered);
            }
        }
    }

    /// Returns the sources in the order of their first rows.
    #[must_use]
    pub fn sources(&self) -> &[Source<'a>] {
        &self.sources
    }

    /// Returns a source, `None` if the list does not have it.
    #[must_use]
    pub fn source(&self, repository: &RepositoryName) -> Option<&Source<'a>> {
        self.sources.get(*self.by_source.get(repository)?)
    }

    /// Checks whether a row copies this image to any destination.
    #[must_use]
    pub fn contains(&self, source: &RepositoryName, tag: &ManifestReference) -> bool {
        self.source(source)
            .is_some_and(|source| source.tags.contains(tag))
    }

    /// Reports whether a row writes to a repository.
    #[must_use]
    pub fn writes(&self, repository: &RepositoryName) -> bool {
        self.by_destination.contains_key(repository)
    }

    /// Returns the rows that write `destination:tag`, in the order of the list; with targets, the
    /// tag of any repository that the destination stands for. More than one is a duplicate or a
    /// conflict.
    #[must_use]
    pub fn rows_to(
        &self,
        destination: &Destination,
        tag: &ManifestReference,
    ) -> Vec<NumberedRow<'a>> {
        let mut expansions = self
            .targets
            .map_or_else(Expansions::default, Expansions::new);
        let mut rows: Vec<NumberedRow<'a>> = Vec::new();
        for written in expansions
            .expand(destination)
            .iter()
            .flat_map(|written| written.iter())
        {
            let tags = self.by_destination.get(&written.repository);
            let found = tags.and_then(|tags| tags.get(tag));
            rows.extend(found.into_iter().flatten());
        }
        rows.sort_by_key(|at| at.line);
        rows.dedup_by_key(|at| at.line);
        rows
    }
}

impl<'a> Source<'a> {
    fn new(repository: &'a RepositoryName) -> Self {
        Self {
            repository,
            destinations: Vec::new(),
            rows: Vec::new(),
            tags: HashSet::new(),
        }
    }

    fn add(&mut self, numbered: NumberedRow<'a>) {
        if !self.destinations.contains(&&numbered.row.destination) {
            self.destinations.push(&numbered.row.destination);
        }
        self.rows.push(numbered);
        self.tags.insert(numbered.row.tag.source());
    }
}

/// Chooses the destination of further tags of a source: the only destination, else the only one whose
/// last component is the [default name](default_mirror_name), else the only one with `/mirrored-` in
/// its name. Returns `None` if that is ambiguous.
#[must_use]
pub fn choose_destination<'a>(
    source: &RepositoryName,
    destinations: &[&'a Destination],
) -> Option<&'a Destination> {
    let default = default_mirror_name(source);
    let has_default_name = |name: &Destination| name.path().components().last() == Some(&default);
    let is_mirrored = |name: &Destination| format!("/{}", name.path()).contains("/mirrored-");
    only(destinations, |_| true)
        .or_else(|| only(destinations, has_default_name))
        .or_else(|| only(destinations, is_mirrored))
}

/// Returns the only destination that passes a filter.
fn only<'a>(
    names: &[&'a Destination],
    filter: impl Fn(&Destination) -> bool,
) -> Option<&'a Destination> {
    let mut matches = names.iter().filter(|name| filter(name));
    let first = matches.next()?;
    matches.next().is_none().then_some(*first)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "b x 1\na y 1\nlibrary/b z 1\nb docker.io/x 2\nc z 1\n";

    fn repository(name: &str) -> RepositoryName {
        name.parse().unwrap()
    }

    fn destination(name: &str) -> Destination {
        name.parse().unwrap()
    }

    fn lines(rows: &[NumberedRow<'_>]) -> Vec<usize> {
        rows.iter().map(|numbered| numbered.line).collect()
    }

    #[test]
    fn sources_are_in_the_order_of_the_list() {
        let list = List::parse(LIST);
        let index = ListIndex::new(&list);
        let sources = index.sources().iter().map(|source| {
            let names = source
                .destinations
                .iter()
                .map(|name| name.as_written())
                .collect();
            (source.repository.as_written(), names, lines(&source.rows))
        });
        let expected: [(&str, Vec<&str>, Vec<usize>); 3] = [
            ("b", vec!["x", "z"], vec![1, 3, 4]),
            ("a", vec!["y"], vec![2]),
            ("c", vec!["z"], vec![5]),
        ];
        assert_eq!(sources.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn rows_are_found_by_any_spelling() {
        let list = List::parse(LIST);
        let index = ListIndex::new(&list);
        let tag = |text: &str| text.parse::<ManifestReference>().unwrap();
        assert!(index.contains(&repository("docker.io/library/b"), &tag("2")));
        assert!(!index.contains(&repository("a"), &tag("2")));
        assert!(!index.contains(&repository("d"), &tag("1")));
        let rows_to = |name: &str, of: &str| lines(&index.rows_to(&destination(name), &tag(of)));
        assert_eq!(rows_to("library/z", "1"), [3, 5]);
        assert_eq!(rows_to("z", "2"), [] as [usize; 0]);
        assert!(index.source(&repository("quay.io/b")).is_none());
        assert_eq!(
            index.source(&repository("library/b")).unwrap().rows.len(),
            3
        );
    }

    #[test]
    fn rows_are_found_behind_targets() {
        let targets =
            r#"{"targets": {"hub": {"prefix": "docker.io/r"}, "prime": {"prefix": "p.io"}}}"#;
        let targets = Targets::parse(targets).unwrap();
        let list = List::parse("a @hub,prime/x 1=1,2\nb r/x 1\nc @gone/x 1\n");
        let index = ListIndex::with_targets(&list, &targets);
        for (name, tag, want) in [
            ("r/x", "1", vec![1, 2]),
            ("p.io/x", "2", vec![1]),
            ("@prime,hub/x", "1", vec![1, 2]),
            ("@prime/x", "1", vec![1]),
            ("@gone/x", "1", vec![]),
            ("p.io/x", "3", vec![]),
        ] {
            let tag = tag.parse().unwrap();
            let rows = index.rows_to(&name.parse().unwrap(), &tag);
            assert_eq!(lines(&rows), want, "{name}:{tag}");
        }
    }

    #[test]
    fn choose_destination_is_none_if_ambiguous() {
        let table = [
            ("q.io/a/b", "r/anything", Some("r/anything")),
            ("q.io/a/b", "r/a-b r/mirrored-a-b", Some("r/mirrored-a-b")),
            (
                "q.io/x/a/b",
                "r/mirrored-x-a-b r/mirrored-a-b",
                Some("r/mirrored-a-b"),
            ),
            (
                "busybox",
                "r/library-busybox r/mirrored-library-busybox",
                Some("r/mirrored-library-busybox"),
            ),
            (
                "k8s.io/pause",
                "r/mirrored-pause-x r.io/o/mirrored-pause",
                Some("r.io/o/mirrored-pause"),
            ),
            // Without the default name: the only one with `mirrored-`.
            ("q.io/a/b", "r/b r/mirrored-b", Some("r/mirrored-b")),
            ("q.io/a/b", "r/b mirrored-b", Some("mirrored-b")),
            // Ambiguous: two with the default name, two with `mirrored-`, none with it.
            ("q.io/a/b", "r/mirrored-a-b s/mirrored-a-b", None),
            ("q.io/a/b", "r/mirrored-b r/mirrored-c", None),
            ("q.io/a/b", "r/b r/notmirrored-a-b", None),
            (
                "q.io/a/b",
                "@hub/b @hub/mirrored-a-b",
                Some("@hub/mirrored-a-b"),
            ),
            ("q.io/a/b", "@hub/b r/mirrored-x", Some("r/mirrored-x")),
            ("q.io/a/b", "", None),
        ];
        for (source, destinations, expected) in table {
            let destinations: Vec<_> = destinations.split_whitespace().map(destination).collect();
            let chosen = choose_destination(
                &repository(source),
                &destinations.iter().collect::<Vec<_>>(),
            );
            let chosen = chosen.map(Destination::as_written);
            assert_eq!(chosen, expected, "{source}: {destinations:?}");
        }
    }
}
