//! The report of a comparison: one comparison for each row.

use image_name::{Digest, DigestError};
use registry_client::{Error, ManifestError};

use crate::image_limits::LimitExceeded;
use crate::platform::Platform;
use crate::report::Moved;
use crate::row::Row;

/// The result of a comparison.
#[derive(Debug, Clone)]
pub struct CompareReport {
    /// One comparison for each row, in the order of the rows.
    pub rows: Vec<Comparison>,
    /// The totals.
    pub summary: CompareSummary,
}

/// The number of rows of each status.
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

/// The status of a compared row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompareStatus {
    /// The destination is up to date and complete.
    Same,
    /// The destination's tag, or one of its `TAG-ARCH` tags, has another digest.
    Drift,
    /// The destination lacks the tag or some of its contents.
    Missing,
    /// The row could not be compared.
    Error,
    /// An interrupted run did not finish the row.
    Skipped,
}

/// The comparison of one row.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// The status.
    pub status: CompareStatus,
    /// The digest at the source, or the approved one if it differs.
    pub source_digest: Option<Digest>,
    /// The move of the source tag away from the approved digest.
    pub moved: Option<Moved>,
    /// The digest at the destination.
    pub destination_digest: Option<Digest>,
    /// The selected manifests of the index: the destination's or, if that has drifted, the
    /// source's. Empty for an image that is not an index.
    pub platforms: Vec<PlatformFound>,
    /// The `TAG-ARCH` tags, if they are selected.
    pub arch_tags: Vec<ArchTagFound>,
    /// The reason why the row could not be compared.
    pub error: Option<CompareError>,
}

/// A manifest of an index, looked up at the destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformFound {
    /// The platform in the index; attestations have `unknown/unknown`.
    pub platform: Option<Platform>,
    /// The digest of the manifest.
    pub digest: Digest,
    /// The destination repository has it.
    pub found: bool,
}

/// A `TAG-ARCH` tag, looked up at the destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchTagFound {
    /// The tag.
    pub tag: String,
    /// The digest that it should have.
    pub digest: Digest,
    /// The digest that it has, `None` if the tag does not exist.
    pub found: Option<Digest>,
}

/// The error of a row that could not be compared.
///
/// The message includes the messages of its causes, so print either the message or the chain of
/// sources.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum CompareError {
    /// The source does not have the tag or digest.
    #[error("the source {reference} does not exist")]
    SourceMissing {
        /// The reference.
        reference: String,
    },
    /// A request to the source registry failed, or its name is invalid.
    #[error("request to the source failed: {0}")]
    Source(#[source] Error),
    /// A request to the destination registry failed, or its name is invalid.
    #[error("request to the destination failed: {0}")]
    Destination(#[source] Error),
    /// The destination refuses access to a repository or project that may not exist.
    #[error("{what} does not exist, or the credentials do not allow reads: {error}")]
    MayBeMissing {
        /// The repository or project, as the API of its vendor would create it.
        what: String,
        /// The refusal.
        #[source]
        error: Error,
    },
    /// A manifest is invalid or of an unsupported type.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// An index has more children than are compared.
    #[error(transparent)]
    LimitExceeded(#[from] LimitExceeded),
    /// A manifest refers to content by a digest of an unregistered algorithm.
    #[error("cannot verify content: {0}")]
    Digest(#[from] DigestError),
    /// The image has none of the selected platforms.
    #[error(
        "the image has none of the selected platforms: selected {selected}, available {available}"
    )]
    NoPlatform {
        /// The selected platforms.
        selected: String,
        /// The platforms of the image.
        available: String,
    },
}

impl CompareError {
    /// Returns the message with the image that it is about, as the row names it.
    #[must_use]
    pub fn message(&self, row: &Row) -> String {
        match self {
            Self::SourceMissing { .. } => self.to_string(),
            Self::Destination(_) | Self::MayBeMissing { .. } => {
                format!("{}: {self}", row.destination)
            }
            _ => format!("{}: {self}", row.source),
        }
    }

    /// Returns the registry error behind it, if there is one.
    #[must_use]
    pub fn request_error(&self) -> Option<&Error> {
        match self {
            Self::Source(error) | Self::Destination(error) => Some(error),
            Self::MayBeMissing { error, .. } => Some(error),
            _ => None,
        }
    }
}

impl CompareStatus {
    /// Returns the word for reports.
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
    pub(crate) fn new(status: CompareStatus) -> Self {
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

    /// Returns the status of a row by the contents of its tag, whose own digest is up to date.
    pub(crate) fn status_of_contents(&self) -> CompareStatus {
        let stale =
            |tag: &ArchTagFound| tag.found.as_ref().is_some_and(|found| *found != tag.digest);
        if self.arch_tags.iter().any(stale) {
            return CompareStatus::Drift;
        }
        let is_incomplete = self.platforms.iter().any(|platform| !platform.found)
            || self.arch_tags.iter().any(|tag| tag.found.is_none());
        if is_incomplete {
            CompareStatus::Missing
        } else {
            CompareStatus::Same
        }
    }
}

impl CompareSummary {
    pub(crate) fn new(rows: &[Comparison]) -> Self {
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
    fn status_depends_on_contents_of_the_tag() {
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
                ..Comparison::new(CompareStatus::Same)
            };
            assert_eq!(comparison.status_of_contents(), want, "{comparison:?}");
        }
    }
}
