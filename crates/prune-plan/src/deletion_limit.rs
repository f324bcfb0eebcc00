//! `--max-deletions`: the number of tags that one run may delete.

use std::fmt;
use std::str::FromStr;

/// The maximum number of tags that one run may delete.
///
/// A list that has lost a section makes most of a mirror superfluous. A run that would delete more than
/// this is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeletionLimit {
    /// A part of the tags in the repositories concerned, in percent, but at least
    /// [`DeletionLimit::SMALLEST`].
    Percent(u8),
    /// A number of tags.
    Tags(usize),
}

/// The reason why a text is not a limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("write a number of tags, such as 50, or a percentage from 0% to 100%")]
pub struct DeletionLimitError;

impl DeletionLimit {
    /// The number of tags that a percentage always allows.
    pub const SMALLEST: usize = 10;

    /// Returns the number of tags that may be deleted from repositories that have `tags` together.
    #[must_use]
    pub fn of(self, tags: usize) -> usize {
        match self {
            Self::Tags(limit) => limit,
            Self::Percent(percent) => {
                let part = tags.saturating_mul(percent.into()) / 100;
                part.max(Self::SMALLEST)
            }
        }
    }
}

impl Default for DeletionLimit {
    fn default() -> Self {
        Self::Percent(5)
    }
}

impl FromStr for DeletionLimit {
    type Err = DeletionLimitError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = match text.strip_suffix('%') {
            Some(percent) => {
                let percent = percent.parse().ok().filter(|percent| *percent <= 100);
                percent.map(Self::Percent)
            }
            None => text.parse().ok().map(Self::Tags),
        };
        parsed.ok_or(DeletionLimitError)
    }
}

impl fmt::Display for DeletionLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Percent(percent) => write!(f, "{percent}%"),
            Self::Tags(tags) => write!(f, "{tags}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_numbers_or_percentages() {
        for (text, tags, expected) in [
            ("5%", 1000, Some(50)),
            ("5%", 19, Some(10)),
            ("5%", 0, Some(10)),
            ("0%", 1000, Some(10)),
            ("100%", 3000, Some(3000)),
            ("0", 1000, Some(0)),
            ("7", 3, Some(7)),
            ("101%", 0, None),
            ("-1", 0, None),
            ("5 %", 0, None),
            ("", 0, None),
            ("%", 0, None),
        ] {
            let limit = text.parse::<DeletionLimit>().ok();
            assert_eq!(limit.map(|limit| limit.of(tags)), expected, "{text}");
        }
        assert_eq!(DeletionLimit::default().to_string(), "5%");
    }
}
