//! The order of lines: GNU `sort -V` in the C locale.

use std::cmp::Ordering;

/// Compares two lines as GNU `sort -V` does in the C locale.
///
/// The rules are those of the coreutils manual, "Version sort ordering": text
/// and numbers alternate, numbers compare by value, `~` sorts before
/// everything (the end of the line too), letters before all other bytes, and
/// a suffix such as `.tar.gz` counts only between lines that are otherwise
/// equal. Lines that are equal as versions (`v1` and `v01`) compare byte by
/// byte, so only identical lines are [`Ordering::Equal`].
///
/// ```
/// use std::cmp::Ordering;
///
/// assert_eq!(images_list::compare_lines("a/b c/d v1.9", "a/b c/d v1.10"), Ordering::Less);
/// ```
#[must_use]
pub fn compare_lines(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a == b {
        return Ordering::Equal;
    }
    compare_versions(a, b).then_with(|| a.cmp(b))
}

fn compare_versions(a: &[u8], b: &[u8]) -> Ordering {
    // Empty names, `.`, `..` and names with a leading dot sort before all others.
    let by_rank = rank(a).cmp(&rank(b));
    if by_rank.is_ne() {
        return by_rank;
    }
    let (stem_a, stem_b) = (without_suffix(a), without_suffix(b));
    let by_stem = compare_runs(stem_a, stem_b);
    if by_stem.is_ne() || (stem_a.len() == a.len() && stem_b.len() == b.len()) {
        return by_stem;
    }
    compare_runs(a, b)
}

fn rank(name: &[u8]) -> u8 {
    match name {
        [] => 0,
        b"." => 1,
        b".." => 2,
        [b'.', ..] => 3,
        _ => 4,
    }
}

/// Removes the longest suffix of the form `(\.[A-Za-z~][A-Za-z0-9~]*)*`, but not the first byte.
fn without_suffix(name: &[u8]) -> &[u8] {
    let mut end = name.len();
    while let Some(dot) = name[..end]
        .iter()
        .rposition(|byte| !(byte.is_ascii_alphanumeric() || *byte == b'~'))
    {
        let starts_suffix = name[..end]
            .get(dot + 1)
            .is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'~');
        if dot == 0 || name[dot] != b'.' || !starts_suffix {
            break;
        }
        end = dot;
    }
    &name[..end]
}

/// Compares runs in turn: text, number, text, number, and so on.
fn compare_runs(mut a: &[u8], mut b: &[u8]) -> Ordering {
    while !(a.is_empty() && b.is_empty()) {
        let (text_a, after_a) = split_run(a, |byte| !byte.is_ascii_digit());
        let (text_b, after_b) = split_run(b, |byte| !byte.is_ascii_digit());
        let by_text = compare_texts(text_a, text_b);
        if by_text.is_ne() {
            return by_text;
        }
        let (number_a, rest_a) = split_run(after_a, |byte| byte.is_ascii_digit());
        let (number_b, rest_b) = split_run(after_b, |byte| byte.is_ascii_digit());
        let by_number = compare_numbers(number_a, number_b);
        if by_number.is_ne() {
            return by_number;
        }
        (a, b) = (rest_a, rest_b);
    }
    Ordering::Equal
}

fn split_run(bytes: &[u8], belongs: impl Fn(&u8) -> bool) -> (&[u8], &[u8]) {
    let end = bytes
        .iter()
        .position(|byte| !belongs(byte))
        .unwrap_or(bytes.len());
    bytes.split_at(end)
}

/// Compares two texts byte by byte. Only `~` sorts before the end of a text.
fn compare_texts(a: &[u8], b: &[u8]) -> Ordering {
    if a == b {
        return Ordering::Equal;
    }
    let weight_at = |text: &[u8], at: usize| text.get(at).map_or(END, |byte| weight(*byte));
    (0..a.len().max(b.len()))
        .map(|at| weight_at(a, at).cmp(&weight_at(b, at)))
        .find(|ordering| ordering.is_ne())
        .unwrap_or(Ordering::Equal)
}

/// The weight of the end of a text.
const END: i16 = 0;

fn weight(byte: u8) -> i16 {
    match byte {
        b'~' => END - 1,
        letter if letter.is_ascii_alphabetic() => i16::from(letter),
        other => i16::from(other) + 256,
    }
}

/// Compares runs of digits of any length by value. An empty run is zero.
fn compare_numbers(a: &[u8], b: &[u8]) -> Ordering {
    let (_, a) = split_run(a, |byte| *byte == b'0');
    let (_, b) = split_run(b, |byte| *byte == b'0');
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// Returns the indexes of the longest sorted subsequence of `lines`, ascending.
///
/// All other lines count as out of order, so one moved line is one line out of order and not all that
/// follow. Of two lines that could stay, the earlier one does, as with `sort -c`.
pub(crate) fn longest_sorted_subsequence(lines: &[&str]) -> Vec<usize> {
    // Patience sorting from the end. `chain[k]` is the start of the best subsequence of `k + 1` lines
    // so far, which is the one that starts latest in the order. Sorted lines need one comparison each.
    let mut chain: Vec<usize> = Vec::new();
    let mut followed_by: Vec<Option<usize>> = vec![None; lines.len()];
    for at in (0..lines.len()).rev() {
        let may_precede = |next: &usize| compare_lines(lines[at], lines[*next]).is_le();
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
    use proptest::prelude::*;
    use std::io::Write;
    use std::process::{Command, Stdio};

    /// Sorts lines with GNU `sort -V`.
    fn gnu_sort(lines: &[String]) -> Vec<String> {
        let mut child = Command::new("sort")
            .arg("-V")
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(text.as_bytes())
            .unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        let sorted = String::from_utf8(output.stdout).unwrap();
        sorted.split_terminator('\n').map(str::to_owned).collect()
    }

    fn our_sort(lines: &[String]) -> Vec<String> {
        let mut lines = lines.to_vec();
        lines.sort_by(|a, b| compare_lines(a, b));
        lines
    }

    /// Excludes lines such as `.a`, which coreutils 9.1, and no other release, takes for a suffix. Rows
    /// do not start with a dot. The table below has such lines.
    fn all_releases_agree(line: &str) -> bool {
        let after_dot = line.strip_prefix('.').and_then(|rest| rest.chars().next());
        !after_dot.is_some_and(|c| c.is_ascii_alphabetic() || c == '~')
    }

    #[test]
    fn order_follows_the_manual() {
        let in_order = [
            "",
            ".",
            "..",
            ".0",
            ".A",
            ".a",
            ".a.b",
            "~",
            "0",
            "01",
            "1",
            "9",
            "10",
            "99999999999999999999",
            "100000000000000000000",
            "A",
            "Z",
            "a~",
            "a~.b",
            "a",
            "a0",
            "a.tar",
            "a.tar.gz",
            "a1~rc",
            "a01",
            "a1",
            "a1-rc1",
            "a b",
            "a+b",
            "a.1",
            "a_b",
            "é",
        ];
        for (before, after) in in_order.iter().zip(&in_order[1..]) {
            assert!(compare_lines(before, after).is_lt(), "{before} < {after}");
            assert!(compare_lines(after, before).is_gt(), "{after} > {before}");
        }
        let mut lines = in_order.map(str::to_owned).to_vec();
        lines.reverse();
        lines.retain(|line| all_releases_agree(line));
        assert_eq!(our_sort(&lines), gnu_sort(&lines));
    }

    #[test]
    fn short_lines_are_sorted_like_gnu_sort() {
        let alphabet = ["", ".", "~", "a", "Z", "0", "1", "-", " "];
        let lines: Vec<String> = alphabet
            .iter()
            .flat_map(|a| alphabet.iter().map(move |b| format!("{a}{b}")))
            .flat_map(|ab| alphabet.iter().map(move |c| format!("{ab}{c}")))
            .flat_map(|abc| alphabet.iter().map(move |d| format!("{abc}{d}")))
            .filter(|line| all_releases_agree(line))
            .collect();
        let (ours, theirs) = (our_sort(&lines), gnu_sort(&lines));
        let difference = ours
            .iter()
            .zip(&theirs)
            .find(|(ours, theirs)| ours != theirs);
        assert_eq!(difference, None);
        assert_eq!(ours.len(), theirs.len());
    }

    #[test]
    fn subsequence_is_the_longest_and_prefers_earlier_lines() {
        for (lines, kept) in [
            (&[][..], &[][..]),
            (&["1"], &[0]),
            (&["1", "2", "3"], &[0, 1, 2]),
            (&["1", "1", "1"], &[0, 1, 2]),
            (&["9", "1", "2", "10"], &[1, 2, 3]),
            (&["1", "2", "10", "0"], &[0, 1, 2]),
            // Either of two lines fits: the earlier one is kept.
            (&["1", "3", "2", "4"], &[0, 1, 3]),
            (&["2", "1"], &[0]),
            (&["5", "6", "1", "2", "3", "7"], &[2, 3, 4, 5]),
        ] {
            assert_eq!(longest_sorted_subsequence(lines), kept, "{lines:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]

        #[test]
        fn random_lines_are_sorted_like_gnu_sort(
            mut lines in prop::collection::vec("[a-cA~.0-2é_/: -]{0,12}|[^\n\0]{0,8}", 0..60)
        ) {
            lines.retain(|line| all_releases_agree(line));
            prop_assert_eq!(our_sort(&lines), gnu_sort(&lines));
        }

        #[test]
        fn random_rows_are_sorted_like_gnu_sort(
            rows in prop::collection::vec("(q\\.io/)?a[ab]?(/b0?[12])? +c/a-?b? v?[0-2]{1,2}(\\.[0-3]{1,2}){0,2}(-(rc|alpha)\\.?[01])?(~1|\\.el)?", 0..80)
        ) {
            prop_assert_eq!(our_sort(&rows), gnu_sort(&rows));
        }
    }
}
