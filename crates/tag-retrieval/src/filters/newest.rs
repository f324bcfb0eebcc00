//! `latest` and `latest_entry`: the choice of the newest versions.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::mem;
use std::num::NonZeroUsize;

use chrono::SecondsFormat;

use super::selection::Selection;
use super::tag_order::TagOrder;
use crate::candidate::Candidate;

/// The choice among the versions that pass the other filters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Newest {
    /// All versions.
    #[default]
    All,
    /// `latest`: this many of the numerically highest versions.
    Highest(NonZeroUsize),
    /// `latest_entry`, or `latest` with `"latestBy": "pushed"`: the most recently published versions.
    LastPublished {
        /// The number of versions.
        count: NonZeroUsize,
        /// `latest_entry` or `latest`.
        filter: &'static str,
    },
}

/// The reason why `latest` or `latest_entry` has nothing to choose from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SelectionError {
    /// The other filters drop all versions.
    #[error(
        "`{filter}` has nothing to choose from: the other filters drop all {count} versions; {reason} drops {first}"
    )]
    Filtered {
        /// `latest` or `latest_entry`.
        filter: &'static str,
        /// The number of versions.
        count: usize,
        /// One of the versions.
        first: String,
        /// The filter that drops it.
        reason: String,
    },
    /// The source announces no versions.
    #[error("`{filter}` has nothing to choose from: there are no versions")]
    Empty {
        /// `latest` or `latest_entry`.
        filter: &'static str,
    },
    /// No tag is a version.
    #[error(
        "`latest` has nothing to choose from: none of the {count} tags that pass the filters is a comparable version, such as {first}; set versionFilter"
    )]
    Incomparable {
        /// The number of versions.
        count: usize,
        /// One of the versions.
        first: String,
    },
    /// No publication time is known.
    #[error(
        "`{filter}` has nothing to choose from: none of the {count} tags that pass the filters has a known publication time, such as {first}; use `latest` alone for the highest version"
    )]
    Undated {
        /// `latest` or `latest_entry`.
        filter: &'static str,
        /// The number of versions.
        count: usize,
        /// One of the versions.
        first: String,
    },
}

impl Newest {
    /// `"latest": true`.
    pub const HIGHEST: Self = Self::Highest(NonZeroUsize::MIN);

    /// `"latest_entry": true`.
    pub const LAST_PUBLISHED: Self = Self::LastPublished {
        count: NonZeroUsize::MIN,
        filter: "latest_entry",
    };

    /// Returns the key in the configuration.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::All | Self::Highest(_) => "latest",
            Self::LastPublished { filter, .. } => filter,
        }
    }

    /// Keeps the chosen versions; among equals, the first. An empty selection stays empty.
    pub(super) fn choose(self, from: Selection) -> Result<Selection, SelectionError> {
        match self {
            Self::All => Ok(from),
            _ if from.kept.is_empty() => Ok(from),
            Self::Highest(count) => highest(from, count),
            Self::LastPublished { count, filter } => last_published(from, count, filter),
        }
    }
}

fn highest(from: Selection, count: NonZeroUsize) -> Result<Selection, SelectionError> {
    let criterion = Criterion {
        // Of tags with one version, such as two builds, the higher tag wins.
        key: |candidate: &Candidate| {
            let version = candidate.version.parse::<TagOrder>().ok()?;
            Some((version, candidate.tag.parse::<TagOrder>().ok()))
        },
        without_key: "`latest`: not a comparable version".to_owned(),
        lower: |last: &Candidate| match count.get() {
            1 => format!("`latest`: {} is higher", last.tag),
            many => format!("`latest` {many}: {} and others are higher", last.tag),
        },
        no_key: |count, first| SelectionError::Incomparable { count, first },
    };
    keep_greatest(from, count, criterion)
}

fn last_published(
    from: Selection,
    count: NonZeroUsize,
    filter: &'static str,
) -> Result<Selection, SelectionError> {
    let criterion = Criterion {
        // Of tags pushed in the same second, the higher version wins.
        key: |candidate: &Candidate| {
            let published = candidate.published?;
            Some((published, candidate.version.parse::<TagOrder>().ok()))
        },
        without_key: format!("`{filter}`: unknown publication time"),
        lower: |last: &Candidate| {
            let published = last.published.unwrap_or_default();
            let time = published.to_rfc3339_opts(SecondsFormat::Secs, true);
            match count.get() {
                1 => format!("`{filter}`: {} was published last, {time}", last.tag),
                many => format!(
                    "`{filter}` {many}: {} and others were published later, {time}",
                    last.tag
                ),
            }
        },
        no_key: |count, first| SelectionError::Undated {
            filter,
            count,
            first,
        },
    };
    keep_greatest(from, count, criterion)
}

/// A criterion for the choice of candidates.
struct Criterion<Key, Lower, NoKey> {
    /// Returns the key by which candidates compare.
    key: Key,
    /// The reason to drop a candidate without a key.
    without_key: String,
    /// Returns the reason to drop a candidate with a lower key than the last chosen one.
    lower: Lower,
    /// Returns the error if no candidate has a key, given the number of candidates and the first tag.
    no_key: NoKey,
}

/// Keeps the `count` candidates with the greatest keys, in the order of the source. Warns of candidates
/// without a key.
fn keep_greatest<K: Ord>(
    from: Selection,
    count: NonZeroUsize,
    criterion: Criterion<
        impl Fn(&Candidate) -> Option<K>,
        impl Fn(&Candidate) -> String,
        impl Fn(usize, String) -> SelectionError,
    >,
) -> Result<Selection, SelectionError> {
    let keys: Vec<_> = from.kept.iter().map(&criterion.key).collect();
    let numbered = keys.iter().enumerate();
    let mut ranked: Vec<_> = numbered
        .filter_map(|(index, key)| Some((key.as_ref()?, Reverse(index))))
        .collect();
    ranked.sort_unstable_by(|one, other| other.cmp(one));
    ranked.truncate(count.get());
    let first = from.kept.first().map(|first| first.tag.clone());
    let Some((_, Reverse(last))) = ranked.last() else {
        return Err((criterion.no_key)(
            from.kept.len(),
            first.unwrap_or_default(),
        ));
    };
    let lower = from
        .kept
        .get(*last)
        .map(&criterion.lower)
        .unwrap_or_default();
    let chosen: HashSet<usize> = ranked.iter().map(|(_, Reverse(index))| *index).collect();
    let (mut selection, mut without_key) = (from, Vec::new());
    for (index, candidate) in mem::take(&mut selection.kept).into_iter().enumerate() {
        if chosen.contains(&index) {
            selection.kept.push(candidate);
        } else if keys.get(index).is_some_and(Option::is_some) {
            selection.drop(candidate.tag, lower.clone());
        } else {
            without_key.push(candidate.tag.clone());
            selection.drop(candidate.tag, criterion.without_key.clone());
        }
    }
    selection.warn_dropped(&criterion.without_key, &without_key);
    Ok(selection)
}
