//! The result of filters.

use crate::candidate::Candidate;
use crate::retrieved::{Dropped, Found, Retrieved};

/// Maximum number of tags that a warning names.
const MAX_NAMED_TAGS: usize = 3;

/// The result of filters: the candidates kept and dropped.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    /// The candidates that pass, in the order of the source.
    pub kept: Vec<Candidate>,
    /// The dropped candidates, each with a reason. Those dropped for their age or for a newer version come
    /// last.
    pub dropped: Vec<Dropped>,
    /// Warnings for the log.
    pub warnings: Vec<String>,
}

impl Selection {
    /// Returns the result of a source that announces versions.
    #[must_use]
    pub fn into_versions(self) -> Retrieved {
        Retrieved {
            found: Found::Versions(self.kept),
            dropped: self.dropped,
            failures: Vec::new(),
            warnings: self.warnings,
        }
    }

    /// Adds a dropped candidate.
    pub(super) fn drop(&mut self, item: String, reason: String) {
        self.dropped.push(Dropped { item, reason });
    }

    /// Adds one warning for all tags that are dropped for the same reason.
    pub(super) fn warn_dropped(&mut self, reason: &str, tags: &[String]) {
        let more = tags.len().saturating_sub(MAX_NAMED_TAGS);
        let named = tags.iter().take(MAX_NAMED_TAGS).map(String::as_str);
        let named = named.collect::<Vec<_>>().join(", ");
        match (tags.len(), more) {
            (0, _) => {}
            (_, 0) => self.warnings.push(format!("dropped {named}: {reason}")),
            _ => self
                .warnings
                .push(format!("dropped {named} and {more} more: {reason}")),
        }
    }
}
