//! What a run did, row by row.

use image_name::{Digest, DigestError};
use registry_client::{Error, ManifestError, ManifestHead};

/// The result of a run.
#[derive(Debug, Clone)]
pub struct Report {
    /// One outcome for each row, in the order of the rows.
    pub rows: Vec<Outcome>,
    /// The sums.
    pub summary: Summary,
}

/// The sums of a run. Bytes are bytes of blobs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Rows that were to be done.
    pub rows: usize,
    /// Rows of each status.
    pub copied: usize,
    /// The destination had it already.
    pub unchanged: usize,
    /// Not reached at an interrupt.
    pub skipped: usize,
    /// See the row's error.
    pub failed: usize,
    /// Blobs sent; each blob counts once for each destination repository.
    pub blobs_copied: u64,
    /// Blobs mounted from another repository of the destination's registry.
    pub blobs_mounted: u64,
    /// Blobs that the destination repository had already.
    pub blobs_present: u64,
    /// Bytes sent.
    pub bytes_copied: u64,
}

/// What became of a row.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The outcome in a word.
    pub status: Status,
    /// The digest of the image at the destination, where it is known.
    pub digest: Option<Digest>,
    /// What the source has under the row's tag, where it was asked and has it.
    pub source: Option<ManifestHead>,
    /// The source tag points elsewhere than what was approved.
    pub moved: Option<Moved>,
    /// Bytes of blobs sent for this row.
    pub bytes_copied: u64,
    /// What the reader of the report should know though the row is done.
    pub warnings: Vec<String>,
    /// Why the row failed.
    pub error: Option<RowError>,
}

/// The outcome in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The destination was written.
    Copied,
    /// The destination had it already.
    Unchanged,
    /// Not reached at an interrupt.
    Skipped,
    /// See the error.
    Failed,
}

impl Status {
    /// The word for it in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Copied => "copied",
            Self::Unchanged => "unchanged",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
        }
    }
}

/// Why a row failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RowError {
    /// The source does not have the tag or digest.
    #[error("the source {reference} does not exist")]
    SourceMissing {
        /// The reference that was asked for.
        reference: String,
    },
    /// The source registry failed.
    #[error("reading from the source: {0}")]
    Read(Error),
    /// The destination registry failed.
    #[error("writing to the destination: {0}")]
    Write(Error),
    /// A name cannot be turned into a repository (blocked, certificates).
    #[error(transparent)]
    Name(Error),
    /// A manifest that cannot be carried.
    #[error("{0}")]
    Manifest(#[from] ManifestError),
    /// Something an index or manifest names is not at the source.
    #[error("the source is incomplete: {parent} names {child}, which the registry does not have")]
    Incomplete {
        /// The index.
        parent: Digest,
        /// The missing child.
        child: Digest,
    },
    /// A manifest names content by a digest of an algorithm that is not registered.
    #[error("content cannot be checked: {0}")]
    Digest(#[from] DigestError),
    /// A manifest that is listed as a referrer of another one than it names.
    #[error(transparent)]
    SubjectMismatch(Box<SubjectMismatch>),
    /// Deeper or wider than any real image.
    #[error("{digest} {what}")]
    LimitExceeded {
        /// The index.
        digest: Digest,
        /// Which bound it passes.
        what: String,
    },
    /// None of the wanted platforms is there.
    #[error("none of the platforms {wanted} is in the image; it has {found}")]
    NoPlatform {
        /// What was asked for.
        wanted: String,
        /// What there is.
        found: String,
    },
    /// The source tag points elsewhere than what was approved.
    #[error(transparent)]
    Moved(Box<Moved>),
    /// Another row fills the same destination with other content.
    #[error(transparent)]
    Conflict(Box<Conflict>),
    /// Names and registries.conf lead to the source itself.
    #[error(
        "{place} is the source and the destination at once: registries.conf or an override maps one onto the other"
    )]
    SameLocation {
        /// Where both are.
        place: String,
    },
    /// The image was copied, something that refers to it was not.
    #[error("the image is there, but not all that refers to it: {what}: {error}")]
    Referrer {
        /// The referrer.
        what: String,
        /// Why it was not copied.
        error: Box<RowError>,
    },
}

/// A source tag that was pushed again after it had been approved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the source tag has moved: {approved} was approved, {now} is there now")]
pub struct Moved {
    /// The digest that was approved.
    pub approved: Digest,
    /// The digest that the source has now.
    pub now: Digest,
}

/// A manifest that is listed as a referrer of another one than it names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{referrer} is listed as a referrer of {listed}, but {}",
    match actual {
        Some(actual) => format!("its subject is {actual}"),
        None => "it has no subject".to_owned(),
    }
)]
pub struct SubjectMismatch {
    /// The manifest.
    pub referrer: Digest,
    /// The digest among whose referrers it is listed.
    pub listed: Digest,
    /// The digest that it names as its subject.
    pub actual: Option<String>,
}

/// Two rows that feed one destination with different content.
#[derive(Debug, Clone, thiserror::Error)]
#[error(
    "{destination} is filled by {first} already, with another digest ({first_digest} there, {digest} here); give one of the two rows another destination or tag"
)]
pub struct Conflict {
    /// The destination with its tag.
    pub destination: String,
    /// The source of the first row.
    pub first: String,
    /// Its digest.
    pub first_digest: Digest,
    /// This row's digest.
    pub digest: Digest,
}

impl RowError {
    /// The registry's failure behind it, if it is one.
    #[must_use]
    pub fn wire(&self) -> Option<&Error> {
        match self {
            Self::Read(error) | Self::Write(error) | Self::Name(error) => Some(error),
            Self::Referrer { error, .. } => error.wire(),
            _ => None,
        }
    }
}

impl Outcome {
    pub(crate) fn of(status: Status) -> Self {
        Self {
            status,
            digest: None,
            source: None,
            moved: None,
            bytes_copied: 0,
            warnings: Vec::new(),
            error: None,
        }
    }

    pub(crate) fn failed(error: RowError) -> Self {
        Self {
            error: Some(error),
            ..Self::of(Status::Failed)
        }
    }
}

impl Summary {
    pub(crate) fn count(&mut self, outcome: &Outcome) {
        self.rows += 1;
        match outcome.status {
            Status::Copied => self.copied += 1,
            Status::Unchanged => self.unchanged += 1,
            Status::Skipped => self.skipped += 1,
            Status::Failed => self.failed += 1,
        }
    }
}
