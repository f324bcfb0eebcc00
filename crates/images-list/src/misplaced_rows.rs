//! Rows that are out of order.

use crate::list::List;
use crate::problem::{Problem, ProblemKind, SortPosition};
use crate::version_order::{compare_lines, longest_sorted_subsequence};

/// Returns the rows that are out of the order of `sort -V`.
pub(crate) fn misplaced(list: &List) -> Vec<Problem> {
    let numbers: Vec<usize> = list.rows().map(|numbered| numbered.line).collect();
    let texts: Vec<&str> = numbers
        .iter()
        .map(|line| &*list.lines[line - 1].text)
        .collect();
    let in_place = longest_sorted_subsequence(&texts);
    let position_of = |at: usize| {
        let text = texts[at];
        let line_and_text = |at: usize| (numbers[at], texts[at].to_owned());
        let after = in_place.partition_point(|kept| compare_lines(texts[*kept], text).is_le());
        match in_place.get(after) {
            Some(next) if *next < at => {
                let (line, row) = line_and_text(*next);
                Some(SortPosition::Before { line, row })
            }
            // The subsequence is the longest one: a row that is not too late is too early.
            _ => in_place.get(after.checked_sub(1)?).map(|previous| {
                let (line, row) = line_and_text(*previous);
                SortPosition::After { line, row }
            }),
        }
    };
    let mut kept = in_place.iter().copied().peekable();
    (0..texts.len())
        .filter(|at| kept.next_if_eq(at).is_none())
        .filter_map(|at| {
            let position = position_of(at)?;
            let row = texts[at].to_owned();
            let kind = ProblemKind::Misplaced { row, position };
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

    fn check(text: &str) -> Vec<(usize, String)> {
        let problems = misplaced(&List::parse(text));
        let found = problems.iter();
        found
            .map(|problem| (problem.line, problem.to_string()))
            .collect()
    }

    #[test]
    fn one_moved_row_is_one_problem() {
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
}
