//! Names of followed entries, a column of the lock.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The key of the column `source=follow:ENTRY`.
pub(super) const KEY: &str = "source";
const FOLLOW: &str = "follow:";

/// The name of an entry of the configuration whose tags are mirrored without rows in a list.
///
/// As a column of the lock, it has neither whitespace nor control characters. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryName(Arc<str>);

/// The error for a name that cannot be a column of a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the name of a followed entry has neither whitespace nor control characters")]
pub struct EntryNameError;

impl EntryName {
    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Parses the value of the column.
    pub(super) fn parse_column(value: &str) -> Option<Self> {
        value.strip_prefix(FOLLOW)?.parse().ok()
    }

    /// Returns the column.
    pub(super) fn column(&self) -> String {
        format!("{KEY}={FOLLOW}{self}")
    }
}

impl FromStr for EntryName {
    type Err = EntryNameError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let is_invalid = |c: char| c.is_whitespace() || c.is_control();
        match name.is_empty() || name.contains(is_invalid) {
            true => Err(EntryNameError),
            false => Ok(Self(name.into())),
        }
    }
}

impl fmt::Display for EntryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
