//! All filters of an entry.

use std::collections::HashMap;

use chrono::{DateTime, SecondsFormat, Utc};
use regex::Regex;

use super::constraint::Constraint;
use super::minimum_age::MinimumAge;
use super::newest::{Newest, SelectionError};
use super::selection::Selection;
use super::tag_extractor::TagExtractor;
use super::version::Version;
use crate::candidate::Candidate;

/// All filters of an entry, in the order of their application.
#[derive(Debug, Clone, Default)]
pub struct FilterSet {
    /// `versionExtract`: derives the tag from the name. The other filters apply to the tag.
    pub extract: Option<TagExtractor>,
    /// `exclude`: a pattern for tags that are never proposed.
    pub exclude: Option<Regex>,
    /// `versionFilter`: a pattern that must match anywhere in the tag.
    pub pattern: Option<Regex>,
    /// `versionConstraint`.
    pub constraint: Option<Constraint>,
    /// `minimumAge`.
    pub minimum_age: Option<MinimumAge>,
    /// `latest`, `latest_entry`.
    pub newest: Newest,
}

impl FilterSet {
    /// Returns true if [`finish`](Self::finish) reads publication times. A source that needs a request for each
    /// time fetches them only if this is true, and only for the result of [`narrow`](Self::narrow).
    #[must_use]
    pub fn needs_times(&self) -> bool {
        self.minimum_age.is_some() || self.newest == Newest::LastPublished
    }

    /// Applies the filters that need no times. Of several candidates with the same tag, the first is kept.
    #[must_use]
    pub fn narrow(&self, candidates: Vec<Candidate>) -> Selection {
        let mut selection = Selection::default();
        let mut names: HashMap<String, String> = HashMap::new();
        for mut candidate in candidates {
            match self.tag(&candidate) {
                Ok(tag) => candidate.tag = tag,
                Err(reason) => {
                    selection.drop(candidate.name, reason);
                    continue;
                }
            }
            if let Some(earlier) = names.get(&candidate.tag) {
                let reason = format!("same tag as {earlier}: {}", candidate.tag);
                selection.drop(candidate.name, reason);
                continue;
            }
            names.insert(candidate.tag.clone(), candidate.name.clone());
            selection.kept.push(candidate);
        }
        selection
    }

    /// Applies `minimumAge` and `latest` or `latest_entry`. `now` is the time of the run.
    ///
    /// # Errors
    ///
    /// [`SelectionError`] if `latest` or `latest_entry` has nothing to choose from. An empty selection is
    /// returned if all candidates are too recent.
    pub fn finish(
        &self,
        narrowed: Selection,
        now: DateTime<Utc>,
    ) -> Result<Selection, SelectionError> {
        let filter = self.newest.key();
        if self.newest != Newest::All && narrowed.kept.is_empty() {
            let first = narrowed.dropped.first();
            return Err(first.map_or(SelectionError::Empty { filter }, |first| {
                SelectionError::Filtered {
                    filter,
                    count: narrowed.dropped.len(),
                    first: first.item.clone(),
                    reason: first.reason.clone(),
                }
            }));
        }
        let old_enough = match self.minimum_age {
            Some(age) => drop_recent(narrowed, age, now),
            None => narrowed,
        };
        self.newest.choose(old_enough)
    }

    /// Applies all filters, for sources that report publication times.
    ///
    /// # Errors
    ///
    /// The errors of [`finish`](Self::finish).
    pub fn select(
        &self,
        candidates: Vec<Candidate>,
        now: DateTime<Utc>,
    ) -> Result<Selection, SelectionError> {
        self.finish(self.narrow(candidates), now)
    }

    /// Returns the tag of a candidate, or the reason to drop it.
    fn tag(&self, candidate: &Candidate) -> Result<String, String> {
        let tag = match &self.extract {
            None => candidate.tag.as_str(),
            Some(extract) => {
                let tag = extract.tag(&candidate.name);
                tag.ok_or_else(|| format!("`versionExtract` \"{extract}\" does not match"))?
            }
        };
        if let Some(exclude) = self
            .exclude
            .as_ref()
            .filter(|exclude| exclude.is_match(tag))
        {
            return Err(format!("`exclude` \"{exclude}\""));
        }
        if let Some(pattern) = self
            .pattern
            .as_ref()
            .filter(|pattern| !pattern.is_match(tag))
        {
            return Err(format!("`versionFilter` \"{pattern}\""));
        }
        if let Some(constraint) = &self.constraint {
            match tag.parse::<Version>() {
                Ok(version) if constraint.allows_version(&version) => {}
                Ok(_) => return Err(format!("`versionConstraint` \"{constraint}\"")),
                Err(error) => return Err(format!("`versionConstraint` \"{constraint}\": {error}")),
            }
        }
        Ok(tag.to_owned())
    }
}

/// Drops candidates that are too recent, and with a warning those without a time.
fn drop_recent(narrowed: Selection, age: MinimumAge, now: DateTime<Utc>) -> Selection {
    let days = age.days;
    let unknown = format!("`minimumAge` {days}: unknown publication time");
    let mut undated = Vec::new();
    let mut selection = Selection {
        kept: Vec::new(),
        ..narrowed
    };
    for candidate in narrowed.kept {
        match candidate.published {
            Some(published) if age.allows(published, now) => selection.kept.push(candidate),
            Some(published) => {
                let published = published.to_rfc3339_opts(SecondsFormat::Secs, true);
                let reason = format!("`minimumAge` {days}: published {published}");
                selection.drop(candidate.tag, reason);
            }
            None => {
                undated.push(candidate.tag.clone());
                selection.drop(candidate.tag, unknown.clone());
            }
        }
    }
    selection.warn_dropped(&unknown, &undated);
    selection
}

#[cfg(test)]
#[path = "filter_set_tests.rs"]
mod tests;
