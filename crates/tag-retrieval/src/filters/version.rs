//! Versions in the order of SemVer, short ones included.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use semver::{BuildMetadata, Prerelease};

/// A version of one to three numbers, ordered by the precedence of SemVer. `1.4` equals `1.4.0`, a
/// prerelease is below its release, and build metadata and one leading `v` are ignored.
///
/// Source: <https://semver.org/#spec-item-11>.
#[derive(Debug, Clone)]
pub struct Version {
    full: semver::Version,
    numbers: Numbers,
}

/// The numbers that were written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Numbers {
    Major,
    MajorMinor,
    All,
}

/// The reason why a text is not a version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VersionError {
    /// The text is not one to three numbers separated by dots.
    #[error("`{0}` is not a version: write one to three numbers separated by dots, such as `1.4`")]
    Numbers(String),
    /// A number has a leading zero, which SemVer forbids.
    #[error("`{0}` is not a version: a number has a leading zero")]
    LeadingZero(String),
    /// The suffix is invalid.
    #[error(
        "`{0}` is not a version: only letters, digits, `-` and single dots are allowed after `-` or `+`"
    )]
    Suffix(String),
}

impl Version {
    /// Returns major, minor and patch.
    pub(super) fn core(&self) -> (u64, u64, u64) {
        (self.full.major, self.full.minor, self.full.patch)
    }

    pub(super) fn numbers(&self) -> Numbers {
        self.numbers
    }
}

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bare = text.strip_prefix('v').unwrap_or(text);
        let (precedence, build) = bare.split_once('+').unwrap_or((bare, ""));
        let (core, prerelease) = precedence.split_once('-').unwrap_or((precedence, ""));
        // `1.2-` and `1.2+` have an empty suffix.
        let dangling = precedence.ends_with('-') && prerelease.is_empty() || bare.ends_with('+');
        let suffix = || VersionError::Suffix(text.to_owned());
        if dangling {
            return Err(suffix());
        }
        let (parts, numbers) = parts(core).map_err(|error| error.into_version_error(text))?;
        let [major, minor, patch] = parts;
        let full = semver::Version {
            major,
            minor,
            patch,
            pre: Prerelease::new(prerelease).map_err(|_| suffix())?,
            build: BuildMetadata::new(build).map_err(|_| suffix())?,
        };
        Ok(Self { full, numbers })
    }
}

/// The reason why the numbers are invalid.
enum NumbersError {
    Syntax,
    LeadingZero,
}

impl NumbersError {
    fn into_version_error(self, text: &str) -> VersionError {
        match self {
            Self::Syntax => VersionError::Numbers(text.to_owned()),
            Self::LeadingZero => VersionError::LeadingZero(text.to_owned()),
        }
    }
}

/// Parses the numbers. Missing ones are zero.
fn parts(core: &str) -> Result<([u64; 3], Numbers), NumbersError> {
    let mut parts = [0; 3];
    let mut count = 0;
    for text in core.split('.') {
        let part = parts.get_mut(count).ok_or(NumbersError::Syntax)?;
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(NumbersError::Syntax);
        }
        if text.len() > 1 && text.starts_with('0') {
            return Err(NumbersError::LeadingZero);
        }
        *part = text.parse().map_err(|_| NumbersError::Syntax)?;
        count += 1;
    }
    let numbers = match count {
        1 => Numbers::Major,
        2 => Numbers::MajorMinor,
        _ => Numbers::All,
    };
    Ok((parts, numbers))
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.full.cmp_precedence(&other.full)
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

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.full.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
            "1.0.1",
            "1.9",
            "1.10",
            "2.0-rc1",
            "v2.0.0",
            "20240101",
        ];
        for pair in ascending.windows(2) {
            assert!(version(pair[0]) < version(pair[1]), "{pair:?}");
        }
    }

    #[test]
    fn spellings_of_one_version_are_equal() {
        for same in [
            ["1.4", "1.4.0"],
            ["v3", "3.0.0"],
            ["1.2.3+a", "1.2.3+b"],
            ["1-rc", "1.0-rc"],
        ] {
            assert_eq!(version(same[0]), version(same[1]));
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
            "1.2.3.4",
            "1..2",
            "1.",
            ".1",
            "1.02.3",
            "1.2.3-01",
            "1.2.3-",
            "1.2.3+",
            "1.2.3-a..b",
            "1.2.3_4",
            "1.2.3rc1",
            "1.2.x",
            "-1",
            "+1",
            "99999999999999999999",
            "sha-1.2.3",
        ] {
            assert!(text.parse::<Version>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn parser_never_panics(text in ".*") {
            let _ = text.parse::<Version>();
        }

        #[test]
        fn order_is_total(texts in proptest::collection::vec("v?[0-3](\\.[0-3]){0,2}(-[a0-2](\\.[a0-2])?)?(\\+[a-b])?", 3)) {
            let [a, b, c] = [0, 1, 2].map(|index: usize| version(&texts[index]));
            prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
            prop_assert!(!(a <= b && b <= c) || a <= c);
            prop_assert_eq!(a == b, a.cmp(&b) == Ordering::Equal);
        }
    }
}
