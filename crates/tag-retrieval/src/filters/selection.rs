//! The result of filters.

use crate::candidate::Candidate;
use crate::retrieved::{Dropped, Found, Retrieved};

/// Maximum number of tags that a warning names.
const MAX_NAMED_TAGS: usize = 3;

/// Maximum number of reasons that a warning names.
const MAX_NAMED_REASONS: usize = 3;

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
            untagged: Vec::new(),
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
        if !tags.is_empty() {
            self.warnings
                .push(format!("dropped {}: {reason}", named(tags)));
        }
    }

    /// Adds one warning for all names that `versionConstraint` cannot compare.
    pub(super) fn warn_incomparable(&mut self, constraint: &str, names: &[String]) {
        if !names.is_empty() {
            self.warnings.push(format!(
                "`versionConstraint` \"{constraint}\" cannot compare {} of the names that pass \
                 `versionFilter` and `exclude`, and drops them: {}",
                names.len(),
                named(names),
            ));
        }
    }

    /// Adds a warning if filters dropped all of several candidates.
    pub(super) fn warn_empty(&mut self) {
        if self.kept.is_empty() && self.dropped.len() > 1 {
            self.warnings.push(format!(
                "the filters drop all {} versions: {}",
                self.dropped.len(),
                drop_counts(&self.dropped)
            ));
        }
    }
}

/// Lists the first tags and the number of others.
fn named(tags: &[String]) -> String {
    let more = tags.len().saturating_sub(MAX_NAMED_TAGS);
    let first = tags.iter().take(MAX_NAMED_TAGS).map(String::as_str);
    let first = first.collect::<Vec<_>>().join(", ");
    match more {
        0 => first,
        _ => format!("{first} and {more} more"),
    }
}

/// Lists the reasons that drop most, each with a number and an example.
pub(crate) fn drop_counts(dropped: &[Dropped]) -> String {
    let mut by_reason: Vec<(&str, &str, usize)> = Vec::new();
    for Dropped { item, reason } in dropped {
        match by_reason.iter_mut().find(|known| known.0 == reason) {
            Some((_, _, count)) => *count += 1,
            None => by_reason.push((reason, item, 1)),
        }
    }
    by_reason.sort_by_key(|(_, _, count)| std::cmp::Reverse(*count));
    let named = by_reason.iter().take(MAX_NAMED_REASONS);
    let named = named.map(|(reason, item, count)| match count {
        1 => format!("{reason} drops {item}"),
        _ => format!("{reason} drops {count}, such as {item}"),
    });
    named.collect::<Vec<_>>().join("; ")
}
