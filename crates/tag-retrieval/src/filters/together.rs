//! The filters of an entry, together.

use std::collections::HashMap;

use chrono::{DateTime, SecondsFormat, Utc};
use regex::Regex;

use super::age::MinimumAge;
use super::constraint::Constraint;
use super::extract::Extract;
use super::newest::{Newest, NothingLeft};
use super::selection::Selection;
use super::version::Version;
use crate::candidate::Candidate;

/// The filters of an entry, together, in the order in which they work.
#[derive(Debug, Clone, Default)]
pub struct Filters {
    /// `versionExtract`: makes the tag of the name; all others look at the tag.
    pub extract: Option<Extract>,
    /// `exclude`: tags never proposed, searched like `versionFilter`.
    pub exclude: Option<Regex>,
    /// `versionFilter`: searched in the whole tag.
    pub pattern: Option<Regex>,
    /// `versionConstraint`.
    pub constraint: Option<Constraint>,
    /// `minimumAge`.
    pub minimum_age: Option<MinimumAge>,
    /// `latest`, `latest_entry`.
    pub newest: Newest,
}

impl Filters {
    /// Whether [`finish`](Self::finish) asks when a candidate was published. A source for which each
    /// answer costs a request looks here, and asks only of what [`narrow`](Self::narrow) left.
    #[must_use]
    pub fn needs_times(&self) -> bool {
        self.minimum_age.is_some() || self.newest == Newest::LastPublished
    }

    /// What the filters that need no times leave. Of several candidates with the same tag the first
    /// stays.
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
                let reason = format!("{earlier} gives the same tag, {}", candidate.tag);
                selection.drop(candidate.name, reason);
                continue;
            }
            names.insert(candidate.tag.clone(), candidate.name.clone());
            selection.kept.push(candidate);
        }
        selection
    }

    /// What is left of it after the age and `latest` or `latest_entry`. `now` is the time of the run.
    ///
    /// # Errors
    ///
    /// [`NothingLeft`] where `latest` or `latest_entry` has nothing to choose from. That everything
    /// is too young yet is no error but an empty selection.
    pub fn finish(
        &self,
        narrowed: Selection,
        now: DateTime<Utc>,
    ) -> Result<Selection, NothingLeft> {
        let filter = self.newest.key();
        if self.newest != Newest::All && narrowed.kept.is_empty() {
            let first = narrowed.dropped.first();
            return Err(first.map_or(NothingLeft::Empty { filter }, |first| {
                NothingLeft::Filtered {
                    filter,
                    count: narrowed.dropped.len(),
                    first: first.item.clone(),
                    reason: first.reason.clone(),
                }
            }));
        }
        let old_enough = match self.minimum_age {
            Some(age) => without_the_young(narrowed, age, now),
            None => narrowed,
        };
        self.newest.choose(old_enough)
    }

    /// [`narrow`](Self::narrow) and [`finish`](Self::finish), for sources that name the times anyway.
    ///
    /// # Errors
    ///
    /// Those of [`finish`](Self::finish).
    pub fn select(
        &self,
        candidates: Vec<Candidate>,
        now: DateTime<Utc>,
    ) -> Result<Selection, NothingLeft> {
        self.finish(self.narrow(candidates), now)
    }

    /// The candidate's tag, or the reason why it is out.
    fn tag(&self, candidate: &Candidate) -> Result<String, String> {
        let tag = match &self.extract {
            None => candidate.tag.as_str(),
            Some(extract) => {
                let tag = extract.tag(&candidate.name);
                tag.ok_or_else(|| format!("`versionExtract` \"{extract}\" finds no tag in it"))?
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

/// Drops what is not out long enough, and with a warning what may not be.
fn without_the_young(narrowed: Selection, age: MinimumAge, now: DateTime<Utc>) -> Selection {
    let days = age.days;
    let unknown = format!("`minimumAge` {days}: it is not known when it was published");
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
    selection.warn_of(&unknown, &undated);
    selection
}

#[cfg(test)]
#[path = "together_tests.rs"]
mod tests;
