//! The decision about a tag, with its reason.

use std::fmt;

use image_name::{Digest, Tag};

use crate::facts::{KeptBy, Removal};

/// The decision about a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// The tag can be deleted.
    Go(GoReason),
    /// The tag stays.
    Keep(KeepReason),
}

/// The reason why a tag or a manifest can be deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum GoReason {
    /// No row writes the tag any more.
    Former(Removal),
    /// The tag is the `TAG-ARCH` tag of a tag that goes.
    ArchTagOf(Tag),
    /// The tag is named after the digest of a manifest that goes.
    About(Digest),
    /// No row has ever written the tag (`--foreign`).
    Foreign,
    /// The manifest belongs to a tag that goes.
    PartOf(Tag),
    /// The manifest belongs to an image of the plan that has no tag any more.
    PartOfImage(Digest),
}

/// The reason why a tag stays.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeepReason {
    /// A row writes the tag.
    Row,
    /// Another row may write the tag.
    OtherRow(KeptBy),
    /// The tag is the `TAG-ARCH` tag of a tag that stays.
    ArchTagOf(Tag),
    /// The tag is named after the digest of a manifest that stays.
    About(Digest),
    /// The tag is named after the digest of a manifest that is not known.
    AboutUnknown,
    /// No row has ever written the tag.
    Foreign,
    /// The mirror is not known to have written the digest that the tag has.
    OtherDigest(Digest),
    /// Its rows stood for a short time only, and no report shows that the mirror has written it.
    Brief,
    /// The row was removed in the work tree only.
    NotCommitted,
    /// The row was removed within the days of `--keep-days`.
    Recent,
    /// No commit says when the tag became superfluous, and `--keep-days` is set.
    UnknownTime,
    /// The tag is one of the latest former ones (`--keep-latest`).
    Latest,
    /// Something uses the tag or its image (`--used-by`).
    Used,
    /// A row by digest, a pin or a lock line names its digest, and no other tag has it.
    NeededDigest,
    /// The tag is a referrer of a manifest that stays or is not known.
    ReferrerOf(Digest),
    /// The tag is not in the plan that is applied.
    NotPlanned,
    /// The tag has another digest than the plan.
    Moved {
        /// The digest in the plan.
        planned: Digest,
    },
}

impl Decision {
    /// Returns true if the tag can be deleted.
    #[must_use]
    pub fn goes(&self) -> bool {
        matches!(self, Self::Go(_))
    }
}

/// Returns a commit hash as git abbreviates it.
fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}

impl fmt::Display for GoReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Former(Removal::Row { commit, .. }) => {
                write!(f, "row removed in commit {}", short(commit))
            }
            Self::Former(Removal::NotCommitted) => f.write_str("row removed"),
            Self::Former(Removal::NotFollowed { entry }) => {
                write!(f, "no longer followed by {entry}")
            }
            Self::Former(Removal::Unlisted) => f.write_str("written by mirror, and in no row"),
            Self::ArchTagOf(tag) => write!(f, "architecture tag of {tag}"),
            Self::About(digest) => write!(f, "about {digest}"),
            Self::Foreign => f.write_str("in no row (--foreign)"),
            Self::PartOf(tag) => write!(f, "only {tag} needs it"),
            Self::PartOfImage(digest) => write!(f, "only {digest} needed it"),
        }
    }
}

impl fmt::Display for KeepReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Row => f.write_str("a row writes it"),
            Self::ArchTagOf(tag) => write!(f, "architecture tag of {tag}, which stays"),
            Self::About(digest) => write!(f, "about {digest}, which stays"),
            Self::AboutUnknown => f.write_str("about a manifest that is not known"),
            Self::Foreign => f.write_str("no row has written it"),
            Self::OtherDigest(digest) => {
                write!(f, "no lock line or report shows that mirror wrote {digest}")
            }
            Self::OtherRow(KeptBy::Branch(branch)) => write!(f, "a row of {branch} writes it"),
            Self::OtherRow(KeptBy::OtherName(name)) => write!(
                f,
                "a row writes the same image to {name}, which may be another name of the repository \
                 (--distinct-host)"
            ),
            Self::Brief => f.write_str(
                "its row stood for less than an hour, and no report shows that mirror wrote it \
                 (--written-by)",
            ),
            Self::NotCommitted => f.write_str("the removal of its row is not committed"),
            Self::Recent => f.write_str("its row was removed within the days of --keep-days"),
            Self::UnknownTime => f.write_str("no commit shows since when, and --keep-days is set"),
            Self::Latest => f.write_str("one of the latest (--keep-latest)"),
            Self::Used => f.write_str("in use (--used-by)"),
            Self::NeededDigest => f.write_str("a row, a lock line or a referrer names its digest"),
            Self::ReferrerOf(digest) => write!(f, "refers to {digest}, which stays"),
            Self::NotPlanned => f.write_str("not in the plan"),
            Self::Moved { planned } => write!(f, "the tag has moved from {planned}"),
        }
    }
}
