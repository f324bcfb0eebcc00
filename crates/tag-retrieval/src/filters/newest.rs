//! `latest` and `latest_entry`: one version of those that are left.

use std::cmp::Reverse;
use std::mem;

use chrono::SecondsFormat;

use super::highest::TagOrder;
use super::selection::Selection;
use crate::candidate::Candidate;

/// How many of the versions that pass the other filters count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Newest {
    /// All of them.
    #[default]
    All,
    /// `latest`: the numerically highest.
    Highest,
    /// `latest_entry`: the most recently published.
    LastPublished,
}

/// `latest` or `latest_entry` has nothing to choose from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NothingLeft {
    /// The other filters dropped everything.
    #[error(
        "`{filter}` has nothing to choose from: of {count} versions none passes the other filters; {first} is dropped by {reason}"
    )]
    Filtered {
        /// `latest` or `latest_entry`.
        filter: &'static str,
        /// How many there were.
        count: usize,
        /// One of them.
        first: String,
        /// Why it was dropped.
        reason: String,
    },
    /// There was nothing to begin with.
    #[error("`{filter}` has nothing to choose from: there are no versions")]
    Empty {
        /// `latest` or `latest_entry`.
        filter: &'static str,
    },
    /// None is a version.
    #[error(
        "`latest` has nothing to choose from: {count} tags pass the filters, such as {first}, and none is a version that can be compared; narrow them with versionFilter"
    )]
    Incomparable {
        /// How many there were.
        count: usize,
        /// One of them.
        first: String,
    },
    /// Of none is known when it was published.
    #[error(
        "`latest_entry` has nothing to choose from: {count} tags pass the filters, such as {first}, and of none it is known when it was published; `latest` takes the highest instead"
    )]
    Undated {
        /// How many there were.
        count: usize,
        /// One of them.
        first: String,
    },
}

impl Newest {
    /// The filter's key in the configuration.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::All | Self::Highest => "latest",
            Self::LastPublished => "latest_entry",
        }
    }

    /// Leaves the one that counts. Of equal ones that is the first. Nothing stays nothing.
    pub(super) fn choose(self, from: Selection) -> Result<Selection, NothingLeft> {
        match self {
            Self::All => Ok(from),
            _ if from.kept.is_empty() => Ok(from),
            Self::Highest => highest(from),
            Self::LastPublished => last_published(from),
        }
    }
}

fn highest(from: Selection) -> Result<Selection, NothingLeft> {
    let order = |candidate: &Candidate| candidate.tag.parse::<TagOrder>().ok();
    one(
        from,
        order,
        "`latest`: it is no version that can be compared",
        |best| format!("`latest`: {} is higher", best.tag),
        |count, first| NothingLeft::Incomparable { count, first },
    )
}

fn last_published(from: Selection) -> Result<Selection, NothingLeft> {
    // Of tags pushed in the same second the higher version.
    let order = |candidate: &Candidate| {
        let published = candidate.published?;
        Some((published, candidate.tag.parse::<TagOrder>().ok()))
    };
    let time = |best: &Candidate| {
        let published = best.published.unwrap_or_default();
        published.to_rfc3339_opts(SecondsFormat::Secs, true)
    };
    one(
        from,
        order,
        "`latest_entry`: it is not known when it was published",
        |best| {
            format!(
                "`latest_entry`: {} was published last, {}",
                best.tag,
                time(best)
            )
        },
        |count, first| NothingLeft::Undated { count, first },
    )
}

/// Keeps the candidate with the greatest key. Those without one get a warning.
fn one<Key: Ord>(
    from: Selection,
    key: impl Fn(&Candidate) -> Option<Key>,
    keyless: &str,
    lower: impl Fn(&Candidate) -> String,
    nothing: impl Fn(usize, String) -> NothingLeft,
) -> Result<Selection, NothingLeft> {
    let keyed: Vec<_> = from.kept.iter().map(key).collect();
    let numbered = keyed.iter().enumerate();
    let best = numbered
        .filter_map(|(index, key)| Some((key.as_ref()?, Reverse(index))))
        .max();
    let count = from.kept.len();
    let first = from.kept.first().map(|first| first.tag.clone());
    let Some((_, Reverse(best))) = best else {
        return Err(nothing(count, first.unwrap_or_default()));
    };
    let reason = from.kept.get(best).map(lower).unwrap_or_default();
    let (mut selection, mut left_out) = (from, Vec::new());
    for (index, candidate) in mem::take(&mut selection.kept).into_iter().enumerate() {
        if index == best {
            selection.kept.push(candidate);
        } else if keyed.get(index).is_some_and(Option::is_some) {
            selection.drop(candidate.tag, reason.clone());
        } else {
            left_out.push(candidate.tag.clone());
            selection.drop(candidate.tag, keyless.to_owned());
        }
    }
    selection.warn_of(keyless, &left_out);
    Ok(selection)
}
