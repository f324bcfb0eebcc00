//! What the tools are given to do.

use serde::{Deserialize, Serialize};

/// A list of images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Work {
    /// 200 small images of one platform in 100 repositories, which share layers.
    Small,
    /// 40 indexes of four platforms with attestations.
    Multi,
    /// 2 GiB in 4 images.
    Big,
    /// 2,000 tiny images in 200 repositories.
    Rows,
}

/// What is at the destination when a run begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// Nothing.
    Cold,
    /// Everything: there is nothing to do.
    Warm,
    /// Everything but one row in a hundred.
    Incremental,
}

/// How much of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    /// As the variants of [`Work`] say.
    Full,
    /// A fifth of the images.
    Quick,
}

impl Work {
    /// All, in the order of the reports.
    pub(crate) const ALL: [Self; 4] = [Self::Small, Self::Multi, Self::Big, Self::Rows];

    /// Its name in options and results.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Multi => "multi",
            Self::Big => "big",
            Self::Rows => "rows",
        }
    }

    /// For people.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Small => "200 small images",
            Self::Multi => "40 four-platform indexes",
            Self::Big => "2 GiB in 4 images",
            Self::Rows => "2,000 rows",
        }
    }

    /// How many rows it has before the new ones are added.
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

    /// Whether the state says something new about this work. What is not to be copied costs the
    /// same whatever its size.
    pub(crate) fn has(self, state: State) -> bool {
        self != Self::Big || state == State::Cold
    }
}

impl State {
    /// All, in the order of the reports.
    pub(crate) const ALL: [Self; 3] = [Self::Cold, Self::Warm, Self::Incremental];

    /// Its name in options and results.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Cold => "cold",
            Self::Warm => "warm",
            Self::Incremental => "incremental",
        }
    }

    /// For people.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Cold => "cold",
            Self::Warm => "nothing to do",
            Self::Incremental => "1 % new",
        }
    }
}
