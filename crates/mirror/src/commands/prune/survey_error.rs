//! The reasons why a repository cannot be surveyed.

use image_name::{Digest, Tag};
use registry_client::Error;

/// The reason why a repository cannot be surveyed. Nothing is deleted there.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum SurveyError {
    /// A request failed.
    #[error(transparent)]
    Request(#[from] Error),
    /// The tag list may be incomplete.
    #[error("{0}")]
    HalfRead(String),
    /// The list lacks a tag that exists.
    #[error("the tag list lacks {tag}, which exists: the registry does not list all tags")]
    UnlistedTag {
        /// The tag.
        tag: Tag,
    },
    /// A tag is listed, and its manifest cannot be read.
    #[error("{tag} is listed, but its manifest does not exist: it is not known what the tag needs")]
    UnreadableTag {
        /// The tag.
        tag: Tag,
    },
    /// A manifest has an unknown form.
    #[error("the manifest {digest} cannot be parsed: it is not known what it needs")]
    UnknownForm {
        /// The manifest.
        digest: Digest,
    },
    /// An index lists another one that cannot be read.
    #[error(
        "the index {digest}, which an index lists, does not exist: it is not known what it needs"
    )]
    UnreadableIndex {
        /// The digest of the listed index.
        digest: Digest,
    },
    /// The registry lists the referrers of some manifests only.
    #[error(
        "the registry lists referrers, but not those of {digest}: it is not known what they need"
    )]
    UnlistedReferrers {
        /// The manifest.
        digest: Digest,
    },
    /// The content of a row by digest is not known.
    #[error(
        "a row by digest writes {digest}, and its content at the mirror may have another digest"
    )]
    UnknownRowContent {
        /// The digest of the row.
        digest: Digest,
    },
    /// The repository has too many manifests.
    #[error("the repository has more than {maximum} manifests")]
    TooLarge {
        /// The maximum number.
        maximum: usize,
    },
}

impl SurveyError {
    /// Returns the failed request, if one failed.
    pub(super) fn request_error(&self) -> Option<&Error> {
        match self {
            Self::Request(error) => Some(error),
            _ => None,
        }
    }
}
