//! The order of GNU `sort -V` in the C locale.

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
    // What sorts before ordinary names: nothing at all, `.`, `..`, and names
    // that begin with a dot.
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

/// Cuts the longest suffix of the form `(\.[A-Za-z~][A-Za-z0-9~]*)*`, but
/// never the first byte of the name.
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

/// Compares run by run: text, number, text, number, and so on.
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

/// Compares two texts byte by byte; where one ends, only `~` sorts before it.
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

/// The weight of a text's end, whether a number follows or nothing.
const END: i16 = 0;

fn weight(byte: u8) -> i16 {
    match byte {
        b'~' => END - 1,
        letter if letter.is_ascii_alphabetic() => i16::from(letter),
        other => i16::from(other) + 256,
    }
}

/// Compares runs of digits by value, however long; an absent number is zero.
fn compare_numbers(a: &[u8], b: &[u8]) -> Ordering {
    let (_, a) = split_run(a, |byte| *byte == b'0');
    let (_, b) = split_run(b, |byte| *byte == b'0');
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Write;
    use std::process::{Command, Stdio};

    /// What the real `sort -V` makes of these lines.
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

    /// coreutils 9.1, and no other release, takes a line such as `.a` for a
    /// suffix as a whole. No row begins with a dot; the table below has such lines.
    fn all_releases_agree(line: &str) -> bool {
        let after_dot = line.strip_prefix('.').and_then(|rest| rest.chars().next());
        !after_dot.is_some_and(|c| c.is_ascii_alphabetic() || c == '~')
    }

    #[test]
    fn orders_as_the_manual_says() {
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
    fn all_short_lines_order_as_gnu_sort_does() {
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

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]

        #[test]
        fn any_lines_order_as_gnu_sort_does(
            mut lines in prop::collection::vec("[a-cA~.0-2é_/: -]{0,12}|[^\n\0]{0,8}", 0..60)
        ) {
            lines.retain(|line| all_releases_agree(line));
            prop_assert_eq!(our_sort(&lines), gnu_sort(&lines));
        }

        #[test]
        fn likely_rows_order_as_gnu_sort_does(
            rows in prop::collection::vec("(q\\.io/)?a[ab]?(/b0?[12])? +c/a-?b? v?[0-2]{1,2}(\\.[0-3]{1,2}){0,2}(-(rc|alpha)\\.?[01])?(~1|\\.el)?", 0..80)
        ) {
            prop_assert_eq!(our_sort(&rows), gnu_sort(&rows));
        }
    }
}
