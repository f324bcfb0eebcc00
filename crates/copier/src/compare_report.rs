//! What a comparison found, row by row.

use image_name::{Digest, DigestError};
use registry_client::{Error, ManifestError};

use crate::platform::Platform;
use crate::report::Moved;

/// The result of a comparison.
#[derive(Debug, Clone)]
pub struct CompareReport {
    /// One comparison for each row, in the order of the rows.
    pub rows: Vec<Comparison>,
    /// The sums.
    pub summary: CompareSummary,
}

/// How many rows there are of each status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CompareSummary {
    /// All rows.
    pub rows: usize,
    /// See [`CompareStatus::Same`].
    pub same: usize,
    /// See [`CompareStatus::Drift`].
    pub drift: usize,
    /// See [`CompareStatus::Missing`].
    pub missing: usize,
    /// See [`CompareStatus::Error`].
    pub error: usize,
    /// See [`CompareStatus::Skipped`].
    pub skipped: usize,
}

/// A row in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompareStatus {
    /// The destination is what the row says, and whole.
    Same,
    /// The destination's tag, or one of its `TAG-ARCH` tags, has another digest.
    Drift,
    /// The destination lacks the tag or something under it.
    Missing,
    /// It could not be found out.
    Error,
    /// Not reached at an interrupt.
    Skipped,
}

/// A row, compared.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// The result in a word.
    pub status: CompareStatus,
    /// The digest at the source; where another was approved, that one.
    pub source_digest: Option<Digest>,
    /// Where the source tag points elsewhere than what was approved.
    pub moved: Option<Moved>,
    /// The digest at the destination.
    pub destination_digest: Option<Digest>,
    /// The manifests under the index, as far as they are wanted; of the
    /// destination's index or, where that has drifted, of the source's. Empty
    /// for an image that is no index.
    pub platforms: Vec<PlatformFound>,
    /// The `TAG-ARCH` tags, where they are wanted.
    pub arch_tags: Vec<ArchTagFound>,
    /// Why it could not be found out.
    pub error: Option<CompareError>,
}

/// A manifest under an index, and whether the destination has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformFound {
    /// The platform that the index names; attestations have `unknown/unknown`.
    pub platform: Option<Platform>,
    /// The manifest.
    pub digest: Digest,
    /// Whether the destination repository has it.
    pub found: bool,
}

/// A `TAG-ARCH` tag, and what the destination has there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchTagFound {
    /// The tag.
    pub tag: String,
    /// What it should be.
    pub digest: Digest,
    /// What it is; `None` where it does not exist.
    pub found: Option<Digest>,
}

/// Why a row could not be compared.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CompareError {
    /// The source does not have the tag or digest.
    #[error("the source {reference} does not exist")]
    SourceMissing {
        /// The reference that was asked for.
        reference: String,
    },
    /// The source registry failed.
    #[error("reading from the source: {0}")]
    Source(Error),
    /// The destination registry failed, or its name cannot be used.
    #[error("reading from the destination: {0}")]
    Destination(Error),
    /// A manifest that cannot be read.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A manifest names content by a digest of an algorithm that is not registered.
    #[error("content cannot be checked: {0}")]
    Digest(#[from] DigestError),
    /// None of the wanted platforms is there.
    #[error("none of the platforms {wanted} is in the image; it has {found}")]
    NoPlatform {
        /// What was asked for.
        wanted: String,
        /// What there is.
        found: String,
    },
}

impl CompareError {
    /// The registry's failure behind it, if it is one.
    #[must_use]
    pub fn wire(&self) -> Option<&Error> {
        match self {
            Self::Source(error) | Self::Destination(error) => Some(error),
            _ => None,
        }
    }
}

impl CompareStatus {
    /// The word for it in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Drift => "drift",
            Self::Missing => "missing",
            Self::Error => "error",
            Self::Skipped => "skipped",
        }
    }
}

impl Comparison {
    pub(crate) fn of(status: CompareStatus) -> Self {
        Self {
            status,
            source_digest: None,
            moved: None,
            destination_digest: None,
            platforms: Vec::new(),
            arch_tags: Vec::new(),
            error: None,
        }
    }

    /// The status by what was found under the tag, whose own digest is right.
    pub(crate) fn status_of_contents(&self) -> CompareStatus {
        let stale =
            |tag: &ArchTagFound| tag.found.as_ref().is_some_and(|found| *found != tag.digest);
        if self.arch_tags.iter().any(stale) {
            return CompareStatus::Drift;
        }
        let gap = self.platforms.iter().any(|platform| !platform.found)
            || self.arch_tags.iter().any(|tag| tag.found.is_none());
        if gap {
            CompareStatus::Missing
        } else {
            CompareStatus::Same
        }
    }
}

impl CompareSummary {
    pub(crate) fn of(rows: &[Comparison]) -> Self {
        let mut summary = Self::default();
        for row in rows {
            summary.rows += 1;
            match row.status {
                CompareStatus::Same => summary.same += 1,
                CompareStatus::Drift => summary.drift += 1,
                CompareStatus::Missing => summary.missing += 1,
                CompareStatus::Error => summary.error += 1,
                CompareStatus::Skipped => summary.skipped += 1,
            }
        }
        summary
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(byte: &str) -> Digest {
        format!("sha256:{}", byte.repeat(32)).parse().unwrap()
    }

    #[test]
    fn what_is_under_the_tag_decides_too() {
        let child = |found| PlatformFound {
            platform: None,
            digest: digest("00"),
            found,
        };
        let tag = |found: Option<&str>| ArchTagFound {
            tag: "1-arm64".to_owned(),
            digest: digest("00"),
            found: found.map(digest),
        };
        let table = [
            (vec![], vec![], CompareStatus::Same),
            (
                vec![child(true)],
                vec![tag(Some("00"))],
                CompareStatus::Same,
            ),
            (
                vec![child(true), child(false)],
                vec![],
                CompareStatus::Missing,
            ),
            (vec![], vec![tag(None)], CompareStatus::Missing),
            (
                vec![child(false)],
                vec![tag(Some("11"))],
                CompareStatus::Drift,
            ),
        ];
        for (platforms, arch_tags, want) in table {
            let comparison = Comparison {
                platforms,
                arch_tags,
                ..Comparison::of(CompareStatus::Same)
            };
            assert_eq!(comparison.status_of_contents(), want, "{comparison:?}");
        }
    }
}
