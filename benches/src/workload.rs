//! Workloads, and the states of the destination.

use serde::{Deserialize, Serialize};

/// A list of images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Workload {
    /// 200 small images of one platform in 100 repositories, which share layers.
    Small,
    /// 40 indexes of four platforms with attestations.
    Multi,
    /// 2 GiB in 4 images.
    Big,
    /// 2,000 tiny images in 200 repositories.
    Rows,
}

/// The content of the destination at the start of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// Empty.
    Cold,
    /// Complete.
    Warm,
    /// Complete except for one row in a hundred.
    Incremental,
}

/// The size of a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    /// As documented at [`Workload`].
    Full,
    /// A fifth of the images.
    Quick,
}

impl Workload {
    /// All, in the order of the reports.
    pub(crate) const ALL: [Self; 4] = [Self::Small, Self::Multi, Self::Big, Self::Rows];

    /// Returns the name in options and results.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Multi => "multi",
            Self::Big => "big",
            Self::Rows => "rows",
        }
    }

    /// Returns the name in reports.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Small => "200 small images",
            Self::Multi => "40 four-platform indexes",
            Self::Big => "2 GiB in 4 images",
            Self::Rows => "2,000 rows",
        }
    }

    /// Returns the number of rows without the new ones.
    pub(crate) fn rows(self, size: Size) -> u64 {
        let full = match self {
            Self::Small => 200,
            Self::Multi => 40,
            Self::Big => 4,
            Self::Rows => 2000,
        };
        match size {
            Size::Full => full,
            Size::Quick => (full / 5).max(1),
        }
    }

    /// Returns true if the state is measured for this workload. The size of images that are not copied does
    /// not matter.
    pub(crate) fn has(self, state: State) -> bool {
        self != Self::Big || state == State::Cold
    }
}

impl State {
    /// All, in the order of the reports.
    pub(crate) const ALL: [Self; 3] = [Self::Cold, Self::Warm, Self::Incremental];

    /// Returns the name in options and results.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Cold => "cold",
            Self::Warm => "warm",
            Self::Incremental => "incremental",
        }
    }

    /// Returns the name in reports.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Cold => "cold",
            Self::Warm => "nothing to do",
            Self::Incremental => "1 % new",
        }
    }
}
