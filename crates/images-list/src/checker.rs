//! Finding every problem of one list or several.

use crate::disorder::rows_in_place;
use crate::list::List;
use crate::problem::{Neighbour, Place, Problem, ProblemKind};
use crate::repository::Repository;
use crate::row::{Row, RowAt};
use crate::tag::Tag;
use crate::version_order::compare_lines;
use std::collections::HashMap;

/// Checks lists one after the other, each also against those before it.
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
#[derive(Debug, Default)]
pub struct Checker<'a> {
    names: Vec<&'a str>,
    /// What is written to each destination and tag, in the order of reading.
    feeds: HashMap<(&'a Repository, &'a Tag), Vec<Feed<'a>>>,
}

#[derive(Debug)]
struct Feed<'a> {
    source: &'a Repository,
    /// The list's place in `Checker::names`.
    list: usize,
    line: usize,
}

impl<'a> Checker<'a> {
    /// Finds everything wrong with a list, in the order of its lines:
    /// lines that are no rows, rows that this list or one checked before has
    /// already, destinations and tags that another source feeds, rows out of
    /// order.
    ///
    /// `name` is how problems of later lists refer to this one. Where more
    /// than two sources feed one destination and tag, each is reported against
    /// the first.
    pub fn check(&mut self, name: &'a str, list: &'a List) -> Vec<Problem> {
        self.names.push(name);
        let mut problems = list.wrong_rows();
        problems.extend(list.rows().filter_map(|at| {
            let kind = self.feed(at)?;
            Some(Problem {
                line: at.line,
                kind,
            })
        }));
        problems.extend(misplaced(list));
        // Stable: a line's problems keep the order above.
        problems.sort_by_key(|problem| problem.line);
        problems
    }

    /// Notes what a row writes, and says whether that was written before.
    fn feed(&mut self, RowAt { line, row }: RowAt<'a>) -> Option<ProblemKind> {
        let list = self.names.len() - 1;
        let feeds = self.feeds.entry((&row.destination, &row.tag)).or_default();
        let place = |feed: &Feed<'_>| Place {
            list: (feed.list != list).then(|| self.names[feed.list].to_owned()),
            line: feed.line,
        };
        let same_source = feeds.iter().find(|feed| *feed.source == row.source);
        if let Some(first) = same_source {
            let (row, first) = (row.clone(), place(first));
            return Some(ProblemKind::Duplicate { row, first });
        }
        let conflict = feeds
            .first()
            .map(|first| conflict(row, first.source, place(first)));
        let source = &row.source;
        feeds.push(Feed { source, list, line });
        conflict
    }
}

fn conflict(row: &Row, other_source: &Repository, other: Place) -> ProblemKind {
    ProblemKind::Conflict {
        this_source: row.source.clone(),
        destination: row.destination.clone(),
        tag: row.tag.clone(),
        other,
        other_source: other_source.clone(),
    }
}

/// The rows that are not where `sort -V` puts them.
fn misplaced(list: &List) -> Vec<Problem> {
    let numbers: Vec<usize> = list.rows().map(|at| at.line).collect();
    let texts: Vec<&str> = numbers
        .iter()
        .map(|line| &*list.lines[line - 1].text)
        .collect();
    let in_place = rows_in_place(&texts);
    let neighbour_of = |at: usize| {
        let text = texts[at];
        let named = |neighbour: usize| (numbers[neighbour], texts[neighbour].to_owned());
        let after = in_place.partition_point(|kept| compare_lines(texts[*kept], text).is_le());
        match in_place.get(after) {
            Some(next) if *next < at => {
                let (line, row) = named(*next);
                Some(Neighbour::Before { line, row })
            }
            // As many rows as can be are in place: if the row is not too late, it is too early.
            _ => in_place.get(after.checked_sub(1)?).map(|previous| {
                let (line, row) = named(*previous);
                Neighbour::After { line, row }
            }),
        }
    };
    let mut kept = in_place.iter().copied().peekable();
    (0..texts.len())
        .filter(|at| kept.next_if_eq(at).is_none())
        .filter_map(|at| {
            let neighbour = neighbour_of(at)?;
            let row = texts[at].to_owned();
            let kind = ProblemKind::Misplaced { row, neighbour };
            Some(Problem {
                line: numbers[at],
                kind,
            })
        })
        .collect()
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
    fn a_list_in_form_has_no_problems() {
        let text = "# z\na/b c/d 1.9\r\n\n//x\na/b c/d 1.10\r\na/b c/e 1.9";
        assert_eq!(check(text), []);
    }

    #[test]
    fn each_problem_is_said_once_and_in_the_order_of_lines() {
        let text = "b d/b 1\nwrong\na d/a 1\nlibrary/b d/b 1\nc d/b 1\nc d/b 1\n";
        let expected = [
            (2, "1 field instead of 3"),
            (
                3,
                "out of order: `a d/a 1` belongs before line 1, `b d/b 1`; move it there",
            ),
            (4, "duplicate row: `library/b d/b 1` is on line 1 already"),
            (
                4,
                "out of order: `library/b d/b 1` belongs after line 6, `c d/b 1`",
            ),
            (
                5,
                "`d/b:1` is fed by two sources, `c` here and `b` on line 1: ",
            ),
            (6, "duplicate row: `c d/b 1` is on line 5 already"),
        ];
        let found = check(text);
        assert_eq!(found.len(), expected.len(), "{found:#?}");
        for ((line, message), (expected_line, start)) in found.iter().zip(expected) {
            assert_eq!(*line, expected_line);
            assert!(message.starts_with(start), "{message}");
        }
    }

    #[test]
    fn one_row_moved_is_one_finding() {
        let moved_down = check("a x 1\na x 3\na x 4\na x 2\na x 5\n");
        let moved_up = check("a x 1\na x 5\na x 2\na x 3\na x 4\n");
        let finding =
            |line, what: &str| vec![(line, format!("out of order: `{what}; move it there"))];
        assert_eq!(
            moved_down,
            finding(4, "a x 2` belongs before line 2, `a x 3`")
        );
        assert_eq!(moved_up, finding(2, "a x 5` belongs after line 5, `a x 4`"));
    }

    #[test]
    fn only_what_is_no_row_is_a_wrong_row() {
        let list = List::parse("a x 1\na x 1\nb x 1\na x 0\nwrong\n");
        let problems = Checker::default().check("list", &list);
        let severities: Vec<_> = problems.iter().map(|p| (p.line, p.severity())).collect();
        let form = |line| (line, Severity::Form);
        assert_eq!(
            severities,
            [form(2), form(3), form(4), (5, Severity::WrongRow)]
        );
    }

    #[test]
    fn other_lists_are_named() {
        let (first, second) = (List::parse("a x 1\n"), List::parse("a x 1\nb x 1\n"));
        let mut checker = Checker::default();
        assert_eq!(checker.check("first", &first), []);
        let problems = checker.check("second", &second);
        let messages: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert!(
            messages[0].contains("is on first:1 already"),
            "{messages:?}"
        );
        assert!(
            messages[1].contains("`b` here and `a` on first:1"),
            "{messages:?}"
        );
        assert_eq!(messages.len(), 2);
    }
}
