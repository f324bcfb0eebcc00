//! The relation of a referrer to its subject.

use image_name::Digest;
use oci_spec::image::Descriptor;
use registry_client::Manifest;

use crate::engine::ImageCopy;
use crate::report::{RowError, SubjectMismatch};

/// A manifest that something may be attached to.
#[derive(Debug)]
pub(crate) struct Subject {
    pub(crate) digest: Digest,
    /// The manifest that listed it as a referrer; `None` for manifests of the row's image.
    pub(crate) refers_to: Option<Digest>,
}

impl ImageCopy<'_> {
    /// Checks that a subject belongs to the row's image, before anything is written about it.
    /// One that is listed as a referrer and is here already was not read until now.
    ///
    /// # Errors
    ///
    /// [`RowError::SubjectMismatch`].
    pub(crate) async fn check_attached(&self, subject: &Subject) -> Result<(), RowError> {
        let Some(listed) = &subject.refers_to else {
            return Ok(());
        };
        match self.source_manifest(&subject.digest).await? {
            Some(manifest) => check_subject(&manifest, listed),
            None => Err(RowError::Incomplete {
                parent: listed.clone(),
                child: subject.digest.clone(),
            }),
        }
    }
}

/// Checks that a manifest refers to the subject among whose referrers it is listed.
///
/// # Errors
///
/// [`RowError::SubjectMismatch`].
pub(crate) fn check_subject(manifest: &Manifest, subject: &Digest) -> Result<(), RowError> {
    let content = manifest.content()?;
    let actual = content.subject().map(Descriptor::digest);
    if actual.is_some_and(|actual| actual == subject) {
        return Ok(());
    }
    Err(RowError::SubjectMismatch(Box::new(SubjectMismatch {
        referrer: manifest.digest.clone(),
        listed: subject.clone(),
        actual: actual.map(ToString::to_string),
    })))
}
