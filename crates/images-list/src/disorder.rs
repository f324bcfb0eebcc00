//! Which rows stand in the wrong place.

use crate::version_order::compare_lines;

/// Chooses rows that are in order among themselves, as many as can be: the
/// longest non-decreasing subsequence. Every other row is out of place, so one
/// row moved makes one row out of place and not all that follow it.
///
/// Gives the positions of the rows that stay, ascending. Where either of two
/// rows could stay, it is the earlier one, as `sort -c` would have it.
pub(crate) fn rows_in_place(rows: &[&str]) -> Vec<usize> {
    // Patience sorting, from the end: `chain[k]` begins the best chain of
    // `k + 1` rows found so far, best being the one that begins latest in the
    // order. A list in order costs one comparison a row.
    let mut chain: Vec<usize> = Vec::new();
    let mut followed_by: Vec<Option<usize>> = vec![None; rows.len()];
    for at in (0..rows.len()).rev() {
        let may_precede = |next: &usize| compare_lines(rows[at], rows[*next]).is_le();
        let length = match chain.last() {
            Some(next) if may_precede(next) => chain.len(),
            _ => chain.partition_point(may_precede),
        };
        followed_by[at] = length.checked_sub(1).map(|last| chain[last]);
        if length == chain.len() {
            chain.push(at);
        } else {
            chain[length] = at;
        }
    }
    std::iter::successors(chain.last().copied(), |at| followed_by[*at]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_few_rows_as_can_be_are_out_of_place() {
        for (rows, in_place) in [
            (&[][..], &[][..]),
            (&["1"], &[0]),
            (&["1", "2", "3"], &[0, 1, 2]),
            (&["1", "1", "1"], &[0, 1, 2]),
            (&["9", "1", "2", "10"], &[1, 2, 3]),
            (&["1", "2", "10", "0"], &[0, 1, 2]),
            // Either of the two would do: the earlier one stays.
            (&["1", "3", "2", "4"], &[0, 1, 3]),
            (&["2", "1"], &[0]),
            (&["5", "6", "1", "2", "3", "7"], &[2, 3, 4, 5]),
        ] {
            assert_eq!(rows_in_place(rows), in_place, "{rows:?}");
        }
    }
}
