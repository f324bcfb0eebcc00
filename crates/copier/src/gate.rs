//! The decision about images before anything of them is written.

use std::fmt;

use futures::future::LocalBoxFuture;
use image_name::{Digest, Tag};
use registry_client::{Error, Manifest, ReferrerList, Referrers, Repository};

use crate::attached_content::{AttachedContent, Runnable, check_document};
use crate::manifest_cache::ManifestCache;
use crate::read_blobs::ReadBlobs;
use crate::row::Row;
use crate::source_lists::SourceLists;
use crate::text_blobs::TextBlobs;

/// A gate that decides about each image that a run would write, before the first byte.
///
/// It is not asked about images that the destination has.
pub trait Gate: fmt::Debug + Send + Sync {
    /// Decides about an image.
    ///
    /// # Errors
    ///
    /// [`GateError::Rejected`] for an image that may not be copied: nothing of it is written.
    fn admit<'a>(
        &'a self,
        image: &'a ArrivingImage<'a>,
    ) -> LocalBoxFuture<'a, Result<(), GateError>>;

    /// Returns the content attached to the image of a row that may be copied, also if the destination has the
    /// image. No request is sent.
    fn attached(&self, row: &Row) -> AttachedContent;
}

/// An image that a row would write, with the requests that a gate may need.
///
/// What the run itself needs of the source is requested once.
#[derive(Debug, Clone, Copy)]
pub struct ArrivingImage<'a> {
    pub(crate) row: &'a Row,
    pub(crate) source: &'a Repository,
    pub(crate) manifest: &'a Manifest,
    pub(crate) lists: &'a SourceLists,
    pub(crate) manifests: &'a ManifestCache,
    pub(crate) texts: &'a TextBlobs,
    pub(crate) blobs: &'a ReadBlobs,
}

/// The reason why a gate did not admit an image.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum GateError {
    /// The image may not be copied.
    Rejected(Rejection),
    /// A request failed, so there is no decision.
    Read(Error),
}

/// The reason why an image may not be copied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Rejection {
    /// The requirement and what was found.
    pub message: String,
    /// A next step.
    pub hint: Option<String>,
}

impl<'a> ArrivingImage<'a> {
    /// Returns the row.
    #[must_use]
    pub fn row(&self) -> &'a Row {
        self.row
    }

    /// Returns the repository that the image is read from.
    #[must_use]
    pub fn source(&self) -> &'a Repository {
        self.source
    }

    /// Returns the manifest or index of the image at its source.
    #[must_use]
    pub fn manifest(&self) -> &'a Manifest {
        self.manifest
    }

    /// Returns the referrers of a manifest from the API.
    ///
    /// # Errors
    ///
    /// Any [`Error`] of a request.
    pub async fn referrers(&self, subject: &Digest) -> Result<Referrers, Error> {
        self.lists.referrers(self.source, subject).await
    }

    /// Returns the referrers of a manifest from the tag schema.
    ///
    /// # Errors
    ///
    /// Any [`Error`] of a request.
    pub async fn referrers_by_tag(&self, subject: &Digest) -> Result<ReferrerList, Error> {
        self.lists.referrers_by_tag(self.source, subject).await
    }

    /// Returns a manifest of the source by its digest, `None` if the source lacks it.
    ///
    /// # Errors
    ///
    /// Any [`Error`] of a request.
    pub async fn manifest_of(&self, digest: &Digest) -> Result<Option<Manifest>, Error> {
        self.manifests.get(self.source, digest).await
    }

    /// Checks that a manifest of the source is a document, which no runtime can run.
    ///
    /// # Errors
    ///
    /// As [`check_document`].
    pub async fn check_document(&self, manifest: &Manifest) -> Result<Result<(), Runnable>, Error> {
        check_document(self.source, manifest, self.texts).await
    }

    /// Returns the manifest under a tag about a digest, `None` if the source lacks it. The copy of the tag needs no
    /// further request to the source.
    ///
    /// # Errors
    ///
    /// Any [`Error`] of a request.
    pub async fn manifest_of_tag(&self, tag: &Tag) -> Result<Option<Manifest>, Error> {
        let found = self.source.manifest(tag).await?;
        self.lists.note(self.source, tag, found.as_ref()).await;
        if let Some(manifest) = &found {
            self.manifests.note(self.source, manifest);
        }
        Ok(found)
    }

    /// Notes the content of a blob that was read, so that the run does not read it again.
    pub fn note_blob(&self, digest: &Digest, content: &[u8]) {
        self.texts.note(digest, content);
        self.blobs.note(self.source, digest, content);
    }
}
