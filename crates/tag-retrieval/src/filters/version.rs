//! Versions in the order of SemVer, of any number of parts.

use std::cmp::Ordering;
use std::str::FromStr;

use super::tag_order::{Number, numbers_and_suffix, without_zeros};

/// A version of one or more numbers, ordered by the precedence of SemVer. `1.4` equals `1.4.0`, a
/// prerelease is below its release, and build metadata and one leading `v` are ignored.
///
/// Every tag that [`TagOrder`](super::TagOrder) can compare is a version: `1.28.0.5999`, `24.04`. The two
/// differ in the order of `rc9` and `rc10`, and of `1.2` and `1.2.0`.
///
/// Source: <https://semver.org/#spec-item-11>.
#[derive(Debug, Clone)]
pub struct Version {
    numbers: Vec<Number>,
    prerelease: Option<Vec<Identifier>>,
}

/// The error for a text that is not a version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a version: write numbers separated by dots, and a suffix after `-`, such as `1.4` or `1.4.0-rc.1`"
)]
pub struct VersionError(String);

/// An identifier of a prerelease. Numbers are below words.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Identifier {
    Number(Number),
    Word(String),
}

impl Version {
    /// Returns the number of numbers that were written.
    pub(super) fn length(&self) -> usize {
        self.numbers.len()
    }

    /// Returns the position of the first nonzero number.
    pub(super) fn first_nonzero(&self) -> Option<usize> {
        self.numbers.iter().position(|number| !number.is_zero())
    }

    /// Returns true if the first `count` numbers are the same. Missing numbers are zero.
    pub(super) fn has_same_prefix(&self, other: &Self, count: usize) -> bool {
        let prefix = |of: &Self| without_zeros(&of.numbers[..count.min(of.numbers.len())]).to_vec();
        prefix(self) == prefix(other)
    }
}

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || VersionError(text.to_owned());
        let (numbers, suffix) = numbers_and_suffix(text).ok_or_else(invalid)?;
        let identifiers = |suffix: &str| -> Option<Vec<Identifier>> {
            suffix.split('.').map(Identifier::parse).collect()
        };
        let prerelease = match suffix {
            Some(suffix) => Some(identifiers(suffix).ok_or_else(invalid)?),
            None => None,
        };
        Ok(Self {
            numbers,
            prerelease,
        })
    }
}

impl Identifier {
    fn parse(text: &str) -> Option<Self> {
        let word = || (!text.is_empty()).then(|| Self::Word(text.to_owned()));
        Number::parse(text).map(Self::Number).or_else(word)
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_prerelease = || match (&self.prerelease, &other.prerelease) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (Some(left), Some(right)) => left.cmp(right),
        };
        without_zeros(&self.numbers)
            .cmp(without_zeros(&other.numbers))
            .then_with(by_prerelease)
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Version {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filters::TagOrder;
    use proptest::prelude::*;

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    #[test]
    fn versions_order_by_semver_precedence() {
        let ascending = [
            "0.9",
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "v1",
            "1.0.0.1",
            "1.0.1",
            "1.9",
            "1.10",
            "1.28.0.5999",
            "1.28.0.6000",
            "2.0-rc1",
            "v2.0.0",
            "24.04",
            "24.10",
            "2024.01.02",
            "20240101",
            "99999999999999999999",
        ];
        for pair in ascending.windows(2) {
            assert!(version(pair[0]) < version(pair[1]), "{pair:?}");
        }
    }

    #[test]
    fn spellings_of_one_version_are_equal() {
        for same in [
            ["1.4", "1.4.0"],
            ["v3", "3.0.0.0"],
            ["24.04", "24.4"],
            ["1.2.3+a", "1.2.3+b"],
            ["1-rc", "1.0-rc"],
        ] {
            assert_eq!(version(same[0]), version(same[1]));
        }
    }

    #[test]
    fn prefixes_have_numbers_that_were_not_written() {
        for (one, other, count, same) in [
            ("1.4", "1.4.9", 2, true),
            ("1", "1.0.5", 2, true),
            ("1", "1.1", 2, false),
            ("0.0.4", "0.0.5", 3, false),
            ("1.2.3.4", "1.2.3.5", 3, true),
        ] {
            let found = version(one).has_same_prefix(&version(other), count);
            assert_eq!(found, same, "{one} {other} {count}");
        }
    }

    #[test]
    fn invalid_version_is_rejected() {
        for text in [
            "",
            "v",
            "latest",
            "V1.2.3",
            "vv1",
            "1..2",
            "1.",
            ".1",
            "1.2.3-",
            "1.2.3-a..b",
            "1.2.3_4",
            "1.2.3rc1",
            "1.2.x",
            "-1",
            "+1",
            "sha-1.2.3",
        ] {
            assert!(text.parse::<Version>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_latest_can_order_is_a_version(text in "v?[0-9.]{0,6}(-[a-z0-9._-]{0,5})?(\\+[a-z]{0,2})?|.*") {
            prop_assert_eq!(text.parse::<Version>().is_ok(), text.parse::<TagOrder>().is_ok());
        }

        #[test]
        fn order_is_total(texts in proptest::collection::vec("v?[0-3](\\.[0-3]){0,4}(-[a0-2](\\.[a0-2])?)?(\\+[a-b])?", 3)) {
            let [a, b, c] = [0, 1, 2].map(|index: usize| version(&texts[index]));
            prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
            prop_assert!(!(a <= b && b <= c) || a <= c);
            prop_assert_eq!(a == b, a.cmp(&b) == Ordering::Equal);
        }
    }
}
