//! All filters of an entry.

use std::collections::HashMap;

use chrono::{DateTime, SecondsFormat, Utc};
use regex::Regex;

use super::constraint::Constraint;
use super::minimum_age::MinimumAge;
use super::newest::{Newest, SelectionError};
use super::selection::Selection;
use super::tag_template::TagTemplate;
use super::version::Version;
use super::version_extractor::VersionExtractor;
use crate::candidate::Candidate;

/// All filters of an entry, in the order of their application.
#[derive(Debug, Clone, Default)]
pub struct FilterSet {
    /// `versionExtract`: captures the version in the name. The other filters apply to the version.
    pub extract: Option<VersionExtractor>,
    /// `tagTemplate`, or its default.
    pub tag: TagForm,
    /// `exclude`: a pattern for versions that are never proposed.
    pub exclude: Option<Regex>,
    /// `versionFilter`: a pattern that must match anywhere in the version.
    pub pattern: Option<Regex>,
    /// `versionConstraint`.
    pub constraint: Option<Constraint>,
    /// `minimumAge`.
    pub minimum_age: Option<MinimumAge>,
    /// `latest`, `latestBy`, `latest_entry`.
    pub newest: Newest,
}

/// The form of the tag of a version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum TagForm {
    /// The version: the capture of `versionExtract`, if there is one.
    #[default]
    Version,
    /// The name, for sources that announce tags of images.
    Name,
    /// `tagTemplate`.
    Template(TagTemplate),
}

/// A candidate that a filter drops.
struct Rejection {
    reason: String,
    /// `versionConstraint` cannot compare the version.
    is_incomparable: bool,
}

impl From<String> for Rejection {
    fn from(reason: String) -> Self {
        Self {
            reason,
            is_incomparable: false,
        }
    }
}

impl FilterSet {
    /// Returns true if [`finish`](Self::finish) reads publication times. A source that needs a request for each
    /// time fetches them only if this is true, and only for the result of [`narrow`](Self::narrow).
    #[must_use]
    pub fn needs_times(&self) -> bool {
        self.minimum_age.is_some() || matches!(self.newest, Newest::LastPublished { .. })
    }

    /// Applies the filters that need no times. Of several candidates with the same tag, the first is kept.
    #[must_use]
    pub fn narrow(&self, candidates: Vec<Candidate>) -> Selection {
        let mut selection = Selection::default();
        let mut names: HashMap<String, String> = HashMap::new();
        let mut incomparable = Vec::new();
        for candidate in candidates {
            let name = candidate.name.clone();
            let candidate = match self.derive(candidate) {
                Ok(candidate) => candidate,
                Err(rejection) => {
                    if rejection.is_incomparable {
                        incomparable.push(name.clone());
                    }
                    selection.drop(name, rejection.reason);
                    continue;
                }
            };
            if let Some(earlier) = names.get(&candidate.tag) {
                let reason = format!("same tag as {earlier}: {}", candidate.tag);
                selection.drop(candidate.name, reason);
                continue;
            }
            names.insert(candidate.tag.clone(), candidate.name.clone());
            selection.kept.push(candidate);
        }
        if let Some(constraint) = &self.constraint {
            selection.warn_incomparable(&constraint.to_string(), &incomparable);
        }
        // `latest` makes it an error.
        if self.newest == Newest::All {
            selection.warn_empty();
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

    /// Sets the version and the tag of a candidate.
    fn derive(&self, mut candidate: Candidate) -> Result<Candidate, Rejection> {
        let name = candidate.name.as_str();
        let extracted = match &self.extract {
            None => None,
            Some(extract) => {
                let extracted = extract.extract(name);
                let missing = || format!("`versionExtract` \"{extract}\" does not match");
                Some(extracted.ok_or_else(missing)?)
            }
        };
        let version = extracted.as_ref().map_or(name, |found| found.version);
        self.check(version).map_err(|rejection| match version {
            _ if version == name => rejection,
            _ => Rejection {
                reason: format!("{} (version {version})", rejection.reason),
                ..rejection
            },
        })?;
        let tag = match &self.tag {
            TagForm::Version => version.to_owned(),
            TagForm::Name => name.to_owned(),
            TagForm::Template(template) => template.tag(name, extracted.as_ref()),
        };
        candidate.version = version.to_owned();
        candidate.tag = tag;
        Ok(candidate)
    }

    /// Applies the filters that look at the version alone.
    fn check(&self, version: &str) -> Result<(), Rejection> {
        if let Some(exclude) = &self.exclude
            && exclude.is_match(version)
        {
            return Err(format!("`exclude` \"{exclude}\"").into());
        }
        if let Some(pattern) = &self.pattern
            && !pattern.is_match(version)
        {
            return Err(format!("`versionFilter` \"{pattern}\"").into());
        }
        let Some(constraint) = &self.constraint else {
            return Ok(());
        };
        match version.parse::<Version>() {
            Ok(version) if constraint.allows_version(&version) => Ok(()),
            Ok(_) => Err(format!("`versionConstraint` \"{constraint}\"").into()),
            Err(_) => Err(Rejection {
                reason: format!("`versionConstraint` \"{constraint}\": not a comparable version"),
                is_incomparable: true,
            }),
        }
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
