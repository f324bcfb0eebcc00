//! The numeric order of tags.

use std::cmp::Ordering;
use std::str::FromStr;

/// A tag as any number of numbers and a suffix, ordered numerically.
///
/// `3.10` is above `3.9`. A prerelease is below its release, and `1.2.0` is above `1.2`. One leading `v`
/// and the text after a `+` are ignored. Constraints compare the same tags, in the order of
/// [`Version`](super::Version).
#[derive(Debug, Clone)]
pub struct TagOrder {
    numbers: Vec<Number>,
    /// The text after the `-`.
    prerelease: Option<Vec<Part>>,
}

/// The error for a tag that is not numeric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a comparable version")]
pub struct IncomparableTag;

/// A number of any size, without leading zeros.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Number(String);

/// A part of a suffix: `rc10` is `rc` and 10. Numbers are below words, as in SemVer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// The end of an identifier, below every continuation.
    End,
    Number(Number),
    Word(String),
}

impl FromStr for TagOrder {
    type Err = IncomparableTag;

    fn from_str(tag: &str) -> Result<Self, Self::Err> {
        let (numbers, suffix) = numbers_and_suffix(tag).ok_or(IncomparableTag)?;
        let prerelease = suffix.map(parts).transpose()?;
        Ok(Self {
            numbers,
            prerelease,
        })
    }
}

/// Splits a tag into its numbers and the text after the `-`. Returns `None` if it has no numbers.
pub(super) fn numbers_and_suffix(tag: &str) -> Option<(Vec<Number>, Option<&str>)> {
    let bare = tag.strip_prefix('v').unwrap_or(tag);
    let bare = bare.split_once('+').map_or(bare, |(bare, _)| bare);
    let (core, suffix) = match bare.split_once('-') {
        Some((core, suffix)) => (core, Some(suffix)),
        None => (bare, None),
    };
    let numbers: Option<Vec<_>> = core.split('.').map(Number::parse).collect();
    Some((numbers?, suffix))
}

impl Number {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| Self(text.trim_start_matches('0').to_owned()))
    }

    pub(super) fn is_zero(&self) -> bool {
        self.0.is_empty()
    }
}

/// Returns the numbers without trailing zeros.
pub(super) fn without_zeros(numbers: &[Number]) -> &[Number] {
    let end = numbers.iter().rposition(|number| !number.is_zero());
    &numbers[..end.map_or(0, |last| last + 1)]
}

/// Splits a suffix into parts, with a [`Part::End`] after each identifier.
fn parts(suffix: &str) -> Result<Vec<Part>, IncomparableTag> {
    let mut parts = Vec::new();
    for identifier in suffix.split('.') {
        if identifier.is_empty() {
            return Err(IncomparableTag);
        }
        let mut rest = identifier;
        while let Some(first) = rest.chars().next() {
            let digits = first.is_ascii_digit();
            let end = rest.find(|c: char| c.is_ascii_digit() != digits);
            let (run, after) = rest.split_at(end.unwrap_or(rest.len()));
            let number = Number::parse(run).map(Part::Number);
            parts.push(number.unwrap_or_else(|| Part::Word(run.to_owned())));
            rest = after;
        }
        parts.push(Part::End);
    }
    Ok(parts)
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |number: &Self| number.0.len();
        key(self)
            .cmp(&key(other))
            .then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for TagOrder {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_suffix = || match (&self.prerelease, &other.prerelease) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (Some(left), Some(right)) => left.cmp(right),
        };
        let (left, right) = (&self.numbers, &other.numbers);
        let by_numbers = without_zeros(left).cmp(without_zeros(right));
        by_numbers
            .then_with(by_suffix)
            .then_with(|| left.len().cmp(&right.len()))
    }
}

impl PartialOrd for TagOrder {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for TagOrder {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for TagOrder {}

/// Compares any two tags. A tag that is not numeric is below a numeric one; two such tags compare by
/// bytes.
#[must_use]
pub fn compare_tags(one: &str, other: &str) -> Ordering {
    let order = |tag: &str| tag.parse::<TagOrder>().ok();
    order(one).cmp(&order(other)).then_with(|| one.cmp(other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tags_order_numerically() {
        let ascending = [
            "1.2.0-alpha",
            "1.2.0-alpha.1",
            "1.2.0-alpha1",
            "1.2.0-rc.9",
            "1.2.0-rc.10",
            "1.2.0-rc9",
            "1.2.0-rc10",
            "1.2",
            "v1.2.0",
            "1.2.1",
            "3.9",
            "v3.10",
            "15.4.27.14.4",
            "15.4.27.14.5",
            "15.4.27.15",
            "2024.01.09",
            "2024.01.10",
            "99999999999999999999",
            "199999999999999999999",
        ];
        for pair in ascending.windows(2) {
            let [lower, higher] = [0, 1].map(|index: usize| pair[index].parse::<TagOrder>());
            assert!(lower.unwrap() < higher.unwrap(), "{pair:?}");
            assert_eq!(compare_tags(pair[0], pair[1]), Ordering::Less, "{pair:?}");
        }
    }

    #[test]
    fn tag_without_numbers_is_incomparable() {
        for tag in [
            "latest", "", "v", "1.2.x", "1.2.3_4", "1.2.3rc1", "1.", "1.2-", "1.2-a..b", "sha-1",
            "V1",
        ] {
            assert!(tag.parse::<TagOrder>().is_err(), "{tag}");
            assert_eq!(compare_tags(tag, "0"), Ordering::Less, "{tag}");
        }
    }

    proptest! {
        #[test]
        fn order_is_total(texts in proptest::collection::vec("(v?[0-2]{1,2}(\\.[0-2]){0,3}(-[a0-2]{1,3}(\\.[a0-2])?)?|[a-b])", 3)) {
            let (a, b, c) = (&texts[0], &texts[1], &texts[2]);
            prop_assert_eq!(compare_tags(a, b), compare_tags(b, a).reverse());
            let below = |one: &str, other: &str| compare_tags(one, other).is_le();
            prop_assert!(!(below(a, b) && below(b, c)) || below(a, c));
            prop_assert_eq!(a == b, compare_tags(a, b).is_eq());
        }

        #[test]
        fn parser_never_panics(text in ".*") {
            let _ = text.parse::<TagOrder>();
        }
    }
}
