//! `latest` and `latest_entry`: the choice of one version.

use std::cmp::Reverse;
use std::mem;

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
    /// `latest`: the numerically highest version.
    Highest,
    /// `latest_entry`: the most recently published version.
    LastPublished,
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
        "`latest_entry` has nothing to choose from: none of the {count} tags that pass the filters has a known publication time, such as {first}; use `latest` for the highest version"
    )]
    Undated {
        /// The number of versions.
        count: usize,
        /// One of the versions.
        first: String,
    },
}

impl Newest {
    /// Returns the key in the configuration.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::All | Self::Highest => "latest",
            Self::LastPublished => "latest_entry",
        }
    }

    /// Keeps the chosen version; among equals, the first. An empty selection stays empty.
    pub(super) fn choose(self, from: Selection) -> Result<Selection, SelectionError> {
        match self {
            Self::All => Ok(from),
            _ if from.kept.is_empty() => Ok(from),
            Self::Highest => highest(from),
            Self::LastPublished => last_published(from),
        }
    }
}

fn highest(from: Selection) -> Result<Selection, SelectionError> {
    keep_greatest(
        from,
        Criterion {
            // Of tags with one version, such as two builds, the higher tag wins.
            key: |candidate: &Candidate| {
                let version = candidate.version.parse::<TagOrder>().ok()?;
                Some((version, candidate.tag.parse::<TagOrder>().ok()))
            },
            without_key: "`latest`: not a comparable version",
            lower: |best| format!("`latest`: {} is higher", best.tag),
            no_key: |count, first| SelectionError::Incomparable { count, first },
        },
    )
}

fn last_published(from: Selection) -> Result<Selection, SelectionError> {
    let lower = |best: &Candidate| {
        let published = best.published.unwrap_or_default();
        let time = published.to_rfc3339_opts(SecondsFormat::Secs, true);
        format!("`latest_entry`: {} was published last, {time}", best.tag)
    };
    keep_greatest(
        from,
        Criterion {
            // Of tags pushed in the same second, the higher version wins.
            key: |candidate: &Candidate| {
                let published = candidate.published?;
                Some((published, candidate.version.parse::<TagOrder>().ok()))
            },
            without_key: "`latest_entry`: unknown publication time",
            lower,
            no_key: |count, first| SelectionError::Undated { count, first },
        },
    )
}

/// A criterion for the choice of one candidate.
struct Criterion<K> {
    /// Returns the key by which candidates compare.
    key: K,
    /// The reason to drop a candidate without a key.
    without_key: &'static str,
    /// Returns the reason to drop a candidate with a lower key than the best.
    lower: fn(&Candidate) -> String,
    /// Returns the error if no candidate has a key.
    no_key: fn(usize, String) -> SelectionError,
}

/// Keeps the candidate with the greatest key. Warns of candidates without a key.
fn keep_greatest<Key: Ord>(
    from: Selection,
    criterion: Criterion<impl Fn(&Candidate) -> Option<Key>>,
) -> Result<Selection, SelectionError> {
    let keys: Vec<_> = from.kept.iter().map(criterion.key).collect();
    let numbered = keys.iter().enumerate();
    let best = numbered
        .filter_map(|(index, key)| Some((key.as_ref()?, Reverse(index))))
        .max();
    let count = from.kept.len();
    let first = from.kept.first().map(|first| first.tag.clone());
    let Some((_, Reverse(best))) = best else {
        return Err((criterion.no_key)(count, first.unwrap_or_default()));
    };
    let lower = from.kept.get(best).map(criterion.lower).unwrap_or_default();
    let (mut selection, mut without_key) = (from, Vec::new());
    for (index, candidate) in mem::take(&mut selection.kept).into_iter().enumerate() {
        if index == best {
            selection.kept.push(candidate);
        } else if keys.get(index).is_some_and(Option::is_some) {
            selection.drop(candidate.tag, lower.clone());
        } else {
            without_key.push(candidate.tag.clone());
            selection.drop(candidate.tag, criterion.without_key.to_owned());
        }
    }
    selection.warn_dropped(criterion.without_key, &without_key);
    Ok(selection)
}
