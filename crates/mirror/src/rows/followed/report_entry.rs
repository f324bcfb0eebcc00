//! The part of a report about a followed entry.

use std::ops::Not;

use serde::{Deserialize, Serialize};

/// A followed entry in a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ReportEntry {
    /// The name of the entry.
    pub(crate) entry: String,
    /// The number of rows that the entry gives, before options select rows.
    pub(crate) rows: usize,
    /// The error of an entry that failed.
    pub(crate) error: Option<ReportEntryError>,
}

/// The cause of a failed entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ReportEntryError {
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
    /// A registry refused the credentials.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub(crate) refused: bool,
}

impl ReportEntryError {
    /// Creates an error without a hint.
    pub(crate) fn new(message: String) -> Self {
        Self {
            message,
            hint: None,
            refused: false,
        }
    }
}

impl ReportEntry {
    /// Returns the number of entries that failed, and of those whose credentials were refused.
    pub(crate) fn failures(entries: &[Self]) -> (usize, usize) {
        let errors = entries.iter().filter_map(|entry| entry.error.as_ref());
        let refused = errors.clone().filter(|error| error.refused);
        (errors.count(), refused.count())
    }

    /// Returns the part of a line of sums about entries that failed; empty if there are none.
    pub(crate) fn failed_sum(entries: &[Self]) -> String {
        match Self::failures(entries) {
            (0, _) => String::new(),
            (1, _) => ", 1 entry failed".to_owned(),
            (failed, _) => format!(", {failed} entries failed"),
        }
    }

    /// Returns the lines for a text: the entry, the message, and the hint.
    pub(crate) fn failure_lines(&self) -> Option<String> {
        let error = self.error.as_ref()?;
        let mut lines = format!(
            "failed     entry {}\n           {}\n",
            self.entry, error.message
        );
        if let Some(hint) = &error.hint {
            lines += &format!("           hint: {hint}\n");
        }
        Some(lines)
    }
}
