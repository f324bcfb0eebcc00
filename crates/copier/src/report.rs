//! The report of a run: one outcome for each row.

use std::time::Duration;

use image_name::{Digest, DigestError};
use registry_client::{CreationError, Error, ManifestError, ManifestHead};

use crate::attached_content::Runnable;
use crate::attached_outcome::AttachedOutcome;
use crate::gate::{GateError, Rejection};
use crate::image_limits::LimitExceeded;
use crate::row::Row;
use crate::vendor_changes::VendorChanges;

/// The result of a run.
#[derive(Debug, Clone)]
pub struct Report {
    /// One outcome for each row, in the order of the rows.
    pub rows: Vec<Outcome>,
    /// The totals.
    pub summary: Summary,
    /// The repositories that were created or described at vendors' APIs.
    pub vendor_changes: VendorChanges,
}

/// The totals of a run. Bytes are bytes of blobs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Rows of the run.
    pub rows: usize,
    /// Rows whose destination was written.
    pub copied: usize,
    /// Rows whose destination was up to date.
    pub unchanged: usize,
    /// Rows that an interrupted run did not finish, or that are left for the next run.
    pub skipped: usize,
    /// Rows with an error.
    pub failed: usize,
    /// Blobs sent; each blob counts once for each destination repository.
    pub blobs_copied: u64,
    /// Blobs mounted from another repository of the destination registry.
    pub blobs_mounted: u64,
    /// Blobs that the destination repository already had.
    pub blobs_present: u64,
    /// Bytes sent.
    pub bytes_copied: u64,
}

/// The outcome of a row. Rare fields are boxed, because a run keeps the outcomes of all its rows.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The status.
    pub status: Status,
    /// The digest of the image at the destination, if it is known.
    pub digest: Option<Digest>,
    /// The digest that the tag had before, if the row gave it another one.
    pub replaced: Option<Digest>,
    /// The head of the source image, if the source was queried and has it.
    pub source: Option<ManifestHead>,
    /// The move of the source tag away from the approved digest.
    pub moved: Option<Box<Moved>>,
    /// The digest of the source image, if the [`Gate`](crate::Gate) has admitted it.
    pub admitted: Option<Digest>,
    /// The content attached to the image, `None` without any: see [`Outcome::attached`].
    pub attached: Option<Box<AttachedOutcome>>,
    /// Bytes of blobs sent for this row.
    pub bytes_copied: u64,
    /// Problems that did not fail the row.
    pub warnings: Vec<String>,
    /// The error of a failed row, or the reason why a skipped row is left for the next run.
    pub error: Option<Box<RowError>>,
}

/// The status of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The destination was written.
    Copied,
    /// The destination was up to date.
    Unchanged,
    /// An interrupted run did not finish the row, or the outcome has the reason.
    Skipped,
    /// The outcome has the error.
    Failed,
}

impl Status {
    /// Returns the word for reports.
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

/// The error of a failed row.
///
/// The message includes the messages of its causes, so print either the message or the chain of
/// sources.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum RowError {
    /// The source does not have the tag or digest.
    #[error("the source {reference} does not exist{}", digest_now(.now.as_ref()))]
    SourceMissing {
        /// The reference.
        reference: String,
        /// The digest of the source tag, if that exists and only the approved digest is missing.
        now: Option<Digest>,
    },
    /// A request to the source registry failed.
    #[error("request to the source failed: {0}")]
    Read(#[source] Error),
    /// A request to the destination registry failed.
    #[error("request to the destination failed: {0}")]
    Write(#[source] Error),
    /// The destination repository was not created.
    #[error("the repository was not created: {0}")]
    Creation(#[source] CreationError),
    /// No repository for a name: it is invalid or blocked, or certificates are missing.
    #[error(transparent)]
    Name(Error),
    /// A manifest is invalid or of an unsupported type.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The destination rejects a manifest because of a layer that is left at its URLs.
    #[error(transparent)]
    ForeignLayer(Box<ForeignLayerRejected>),
    /// The source lacks content that a manifest refers to.
    #[error(
        "the source is incomplete: {parent} refers to {child}, which the registry does not have"
    )]
    Incomplete {
        /// The manifest.
        parent: Digest,
        /// The missing content.
        child: Digest,
    },
    /// A manifest refers to content by a digest of an unregistered algorithm.
    #[error("cannot verify content: {0}")]
    Digest(#[from] DigestError),
    /// A manifest is listed as a referrer, but has another subject.
    #[error(transparent)]
    SubjectMismatch(Box<SubjectMismatch>),
    /// Attached content could be run, and the [`Gate`](crate::Gate) permits only documents.
    #[error(transparent)]
    Runnable(Box<Runnable>),
    /// An image is nested deeper, or has more children or layers, than supported.
    #[error(transparent)]
    LimitExceeded(#[from] LimitExceeded),
    /// The row took longer than [`Options::row_timeout`](crate::Options::row_timeout).
    #[error("the row was not finished within {} s", after.as_secs_f32())]
    Timeout {
        /// The time.
        after: Duration,
    },
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
    /// The source tag has another digest than the approved one.
    #[error(transparent)]
    Moved(Box<Moved>),
    /// The row must have an approved digest, and has none.
    #[error("the tag is not locked")]
    NotApproved,
    /// The [`Gate`](crate::Gate) does not admit the image.
    #[error(transparent)]
    Rejected(Box<Rejection>),
    /// An earlier row has the same destination and other content.
    #[error(transparent)]
    Conflict(Box<Conflict>),
    /// The source and the destination are the same, by their names or by registries.conf.
    #[error("the source and the destination are both {location}")]
    SameLocation {
        /// The location of both.
        location: String,
    },
    /// The image is copied, but not all of its referrers.
    #[error("the image is copied, but its referrers are incomplete: {what}: {error}")]
    Referrer {
        /// The referrer, or the list of referrers.
        what: String,
        /// The reason.
        #[source]
        error: Box<RowError>,
    },
}

impl From<GateError> for RowError {
    fn from(error: GateError) -> Self {
        match error {
            GateError::Rejected(rejection) => Self::Rejected(Box::new(rejection)),
            GateError::Read(error) => Self::Read(error),
        }
    }
}

/// A foreign layer that a destination rejects.
#[derive(Debug, Clone, thiserror::Error)]
#[error(
    "the destination rejects the foreign layer {layer}, which stays at its URLs (in distribution the setting validation.manifests.urls.allow): {error}"
)]
pub struct ForeignLayerRejected {
    /// The layer.
    pub layer: Digest,
    /// The response of the destination.
    #[source]
    pub error: Error,
}

/// A source tag that was pushed again after its digest was approved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the source tag has moved: {approved} was approved, {now} is there now")]
pub struct Moved {
    /// The approved digest.
    pub approved: Digest,
    /// The digest at the source.
    pub now: Digest,
}

/// A manifest that is listed as a referrer, but has another subject.
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
    /// The digest that lists it as a referrer.
    pub listed: Digest,
    /// The digest of its subject, if it has one.
    pub actual: Option<String>,
}

/// Two rows with the same destination and different contents.
#[derive(Debug, Clone, thiserror::Error)]
#[error(
    "{destination} is already the destination of {first}, with another digest: {first_digest} there, {digest} here"
)]
pub struct Conflict {
    /// The destination with its tag.
    pub destination: String,
    /// The source of the first row.
    pub first: String,
    /// The digest of the first row.
    pub first_digest: Digest,
    /// The digest of the later row.
    pub digest: Digest,
}

fn digest_now(now: Option<&Digest>) -> String {
    now.map_or_else(String::new, |now| format!(": the tag has {now} now"))
}

impl RowError {
    /// Returns the message with the image that it is about, as the row names it: URLs have the names
    /// that registries.conf maps it to.
    #[must_use]
    pub fn message(&self, row: &Row) -> String {
        match self {
            Self::SourceMissing { .. } | Self::SameLocation { .. } | Self::Conflict(_) => {
                self.to_string()
            }
            Self::Write(_) | Self::Creation(_) | Self::Referrer { .. } => {
                format!("{}: {self}", row.destination)
            }
            _ => format!("{}: {self}", row.source),
        }
    }

    /// Returns the registry error behind it, if there is one.
    #[must_use]
    pub fn request_error(&self) -> Option<&Error> {
        match self {
            Self::Read(error) | Self::Write(error) | Self::Name(error) => Some(error),
            Self::Creation(error) => error.request_error(),
            Self::ForeignLayer(rejected) => Some(&rejected.error),
            Self::Referrer { error, .. } => error.request_error(),
            _ => None,
        }
    }
}

impl Outcome {
    pub(crate) fn new(status: Status) -> Self {
        Self {
            status,
            digest: None,
            replaced: None,
            source: None,
            moved: None,
            admitted: None,
            attached: None,
            bytes_copied: 0,
            warnings: Vec::new(),
            error: None,
        }
    }

    /// Returns the outcome of a row with an error. A row that is left because of a maximum of this
    /// run is skipped.
    #[must_use]
    pub fn failed(error: RowError) -> Self {
        let status = match &error {
            RowError::Read(Error::MaxPulls { .. }) => Status::Skipped,
            _ => Status::Failed,
        };
        Self {
            error: Some(Box::new(error)),
            ..Self::new(status)
        }
    }

    /// Returns the content attached to the image.
    #[must_use]
    pub fn attached(&self) -> &AttachedOutcome {
        static NONE: AttachedOutcome = AttachedOutcome {
            present: Vec::new(),
            added: Vec::new(),
            moved: Vec::new(),
        };
        self.attached.as_deref().unwrap_or(&NONE)
    }
}

impl Summary {
    /// Counts the status of one row.
    pub fn count(&mut self, outcome: &Outcome) {
        self.rows += 1;
        match outcome.status {
            Status::Copied => self.copied += 1,
            Status::Unchanged => self.unchanged += 1,
            Status::Skipped => self.skipped += 1,
            Status::Failed => self.failed += 1,
        }
    }
}
