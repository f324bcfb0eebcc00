//! Deletion of tags and manifests.
//!
//! Source: distribution specification, "Deleting tags", "Deleting Manifests". Registries differ:
//!
//! | registry | a tag | a manifest |
//! | --- | --- | --- |
//! | distribution 3, Quay, Google Artifact Registry | 202 | 202, with all its tags; Google refuses while it has tags |
//! | distribution 2.8 | 400 `DIGEST_INVALID` | 202, with all its tags |
//! | distribution without `storage.delete.enabled` | 405 `UNSUPPORTED` | 405 `UNSUPPORTED` |
//! | Harbor, Azure | `UNSUPPORTED` | 202, with all its tags |
//! | GHCR, Amazon ECR | 405, 404 | 405, 404 |

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::header::ACCEPT;
use http::{HeaderValue, Method};
use image_name::{Digest, ManifestReference};

use super::requests::{ACCEPTED_TYPES, MAX_MANIFEST, checked_digest, stored_digest};
use crate::endpoint::Endpoint;
use crate::error::{Error, StatusError};
use crate::repository::Repository;
use crate::served::Availability;
use crate::transport::{Permit, Retries};

/// The statuses of a deletion. The specification has 202.
const DELETED: &[u16] = &[200, 202, 204];

/// The waits before a registry must have done what it has accepted.
const CHECKS: [Duration; 3] = [
    Duration::ZERO,
    Duration::from_millis(500),
    Duration::from_secs(2),
];

/// The result of a deletion.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Deletion {
    /// The registry has deleted it.
    Deleted,
    /// It did not exist.
    Gone,
    /// The tag has this digest, and was not deleted.
    Moved(Digest),
    /// The registry does not delete it in this way.
    Unsupported(Arc<StatusError>),
}

impl Repository {
    /// Deletes a tag if it has a digest, or the manifest with the digest, with all its tags.
    ///
    /// The digest is requested just before each attempt, with the permit of the attempt: a pause of the
    /// registry cannot come between them, and a retry does not delete a tag that was pushed again. The
    /// specification has no conditional deletion, so a push between the two requests is not noticed.
    ///
    /// # Errors
    ///
    /// Any [`Error`]; [`Error::Protocol`] if the registry accepts the deletion and does not delete.
    pub async fn delete_manifest(
        &self,
        reference: impl Into<ManifestReference>,
        expected: &Digest,
    ) -> Result<Deletion, Error> {
        let reference = &reference.into();
        let endpoint = Endpoint::Manifest(reference.clone());
        let request = self.request(Method::DELETE, &endpoint, DELETED)?;
        let mut retries = Retries::new(self.host.retry_policy());
        let mut has_failed = false;
        loop {
            let permit = self.host.permit().await?;
            match self.digest_now(reference, &permit).await? {
                // An attempt that failed may have deleted it.
                None if has_failed => return Ok(Deletion::Deleted),
                None => return Ok(Deletion::Gone),
                Some(now) if now != *expected => return Ok(Deletion::Moved(now)),
                Some(_) => {}
            }
            let started = Instant::now();
            match self.host.send_once(&request, Some(&permit)).await {
                Ok(_) => {
                    drop(permit);
                    return self.check_deleted(reference, expected).await;
                }
                Err(Error::Status(error)) if is_unsupported(&error) => {
                    let still = self.digest_now(reference, &permit).await?;
                    return Ok(match still {
                        None => Deletion::Gone,
                        Some(_) => Deletion::Unsupported(error),
                    });
                }
                Err(error) => {
                    drop(permit);
                    let idle = started.elapsed();
                    self.host.wait_for_retry(&mut retries, error, idle).await?;
                    has_failed = true;
                }
            }
        }
    }

    /// Checks that a deletion has happened. Some registries delete a moment after they have accepted it, and
    /// sign-in pages of networks accept everything.
    pub(crate) async fn check_deleted(
        &self,
        reference: &ManifestReference,
        expected: &Digest,
    ) -> Result<Deletion, Error> {
        for wait in CHECKS {
            tokio::time::sleep(wait).await;
            let permit = self.host.permit().await?;
            let now = self.digest_now(reference, &permit).await?;
            if now.is_none_or(|now| now != *expected) {
                return Ok(Deletion::Deleted);
            }
        }
        let request = self.request(Method::DELETE, &Endpoint::Manifest(reference.clone()), &[])?;
        Err(Error::protocol(
            &Method::DELETE,
            &request.url,
            "the registry has accepted the deletion, and still serves the manifest",
        ))
    }

    /// Returns the digest of a tag, or of a manifest that exists, with a permit that the caller holds.
    async fn digest_now(
        &self,
        reference: &ManifestReference,
        permit: &Permit,
    ) -> Result<Option<Digest>, Error> {
        let head = self.manifest_head(reference)?;
        let response = self.host.send_within(&head, permit).await?;
        let digest = match Availability::of(&response) {
            Availability::Missing => return Ok(None),
            Availability::Available => stored_digest(reference.digest(), &response)?,
            Availability::NotServed => None,
        };
        if digest.is_some() {
            return Ok(digest);
        }
        let mut get = head;
        get.method = Method::GET;
        get.limit = MAX_MANIFEST;
        get.headers
            .insert(ACCEPT, HeaderValue::from_static(ACCEPTED_TYPES));
        self.host.quota.pull(self.host.name())?;
        let response = self.host.send_within(&get, permit).await?;
        match Availability::of(&response) {
            Availability::Missing => Ok(None),
            Availability::Available => checked_digest(reference.digest(), &response).map(Some),
            Availability::NotServed => Err(response.status_error()),
        }
    }
}

fn is_unsupported(error: &StatusError) -> bool {
    matches!(error.status.as_u16(), 400 | 404 | 405 | 501) || error.has_code("UNSUPPORTED")
}
