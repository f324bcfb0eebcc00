//! The relation of a referrer to its subject.

use image_name::Digest;
use registry_client::{Descriptor, Manifest};

use crate::report::{RowError, SubjectMismatch};

/// A manifest that referrers are copied for.
#[derive(Debug)]
pub(crate) struct Subject {
    pub(crate) digest: Digest,
    /// The manifest that lists it as a referrer, `None` for manifests of the row's image.
    pub(crate) refers_to: Option<Digest>,
}

/// Checks that a manifest has the subject that lists it as a referrer.
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
