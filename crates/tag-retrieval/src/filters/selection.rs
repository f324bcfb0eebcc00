//! What filters made of an entry's candidates.

use crate::candidate::Candidate;
use crate::retrieved::{Dropped, Found, Retrieved};

/// How many of several tags a warning names.
const NAMED: usize = 3;

/// What filters made of an entry's candidates.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    /// Passed, in the order in which the source named them.
    pub kept: Vec<Candidate>,
    /// Did not, each with its reason; those that only the age or a newer one dropped come last.
    pub dropped: Vec<Dropped>,
    /// For the log.
    pub warnings: Vec<String>,
}

impl Selection {
    /// The result of a source that announces versions.
    #[must_use]
    pub fn into_versions(self) -> Retrieved {
        Retrieved {
            found: Found::Versions(self.kept),
            dropped: self.dropped,
            failures: Vec::new(),
            warnings: self.warnings,
        }
    }

    /// Notes that a candidate is out.
    pub(super) fn drop(&mut self, item: String, reason: String) {
        self.dropped.push(Dropped { item, reason });
    }

    /// One warning for all tags of which the same is to be said; none for none.
    pub(super) fn warn_of(&mut self, what: &str, tags: &[String]) {
        let more = tags.len().saturating_sub(NAMED);
        let named = tags.iter().take(NAMED).map(String::as_str);
        let named = named.collect::<Vec<_>>().join(", ");
        match (tags.len(), more) {
            (0, _) => {}
            (_, 0) => self.warnings.push(format!("left out {named}: {what}")),
            _ => self
                .warnings
                .push(format!("left out {named} and {more} more: {what}")),
        }
    }
}
