//! HEAD, GET and PUT of manifests.
//!
//! Source: distribution specification, "Pulling manifests", "Pushing Manifests".

use http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Method, StatusCode};
use image_name::{Digest, ManifestReference};

use super::document::Manifest;
use crate::capabilities::Support;
use crate::digest::{digest_like, sha256_digest};
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::redact;
use crate::repository::Repository;
use crate::transport::BufferedResponse;

/// What a HEAD tells of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestHead {
    /// Its digest.
    pub digest: Digest,
    /// Its media type, where the registry says.
    pub media_type: Option<String>,
    /// Its size in bytes, where the registry says.
    pub size: Option<u64>,
}

/// How a manifest was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Put {
    /// The registry lists it among its subject's referrers by itself
    /// (the `OCI-Subject` header). Otherwise the tag schema is the client's to keep.
    pub subject_listed: bool,
}

/// Types are named because some registries convert or hide what is not asked
/// for: quay serves schema 1 without, distribution 2.8 no OCI index.
const ACCEPTED_TYPES: &str = "application/vnd.oci.image.index.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, \
    application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.v2+json, \
    application/vnd.oci.artifact.manifest.v1+json, */*";

/// The specification asks registries to take 4 MiB; none serves more than twice that.
const MANIFEST_LIMIT: u64 = 8 * 1024 * 1024;

/// Times that a manifest is written which does not arrive as it was sent.
const PUTS: usize = 3;

const CONTENT_DIGEST: &str = "docker-content-digest";

impl Repository {
    /// What `reference` (a tag or a digest) is, `None` where it does not exist.
    ///
    /// A registry that serves no HEAD (405, 501) or one without a digest is
    /// asked with GET.
    ///
    /// # Errors
    ///
    /// Any [`Error`] of the wire.
    pub async fn head_manifest(
        &self,
        reference: impl Into<ManifestReference>,
    ) -> Result<Option<ManifestHead>, Error> {
        let reference = reference.into();
        let endpoint = Endpoint::Manifest(reference.clone());
        let mut request = self.request(Method::HEAD, &endpoint, &[200, 404, 405, 501])?;
        request
            .headers
            .insert(ACCEPT, HeaderValue::from_static(ACCEPTED_TYPES));
        let response = self.host.send(&request).await?;
        match response.status.as_u16() {
            200 => {}
            404 => return Ok(None),
            _ => {
                return Ok(self
                    .manifest(&reference)
                    .await?
                    .as_ref()
                    .map(ManifestHead::of));
            }
        }
        match response.header(CONTENT_DIGEST).map(str::parse) {
            Some(Ok(digest)) => Ok(Some(ManifestHead {
                digest,
                media_type: response.header(CONTENT_TYPE.as_str()).map(essence),
                size: response
                    .header(CONTENT_LENGTH.as_str())
                    .and_then(|size| size.parse().ok()),
            })),
            _ => Ok(self
                .manifest(&reference)
                .await?
                .as_ref()
                .map(ManifestHead::of)),
        }
    }

    /// The manifest that `reference` (a tag or a digest) names, `None` where
    /// it does not exist. Its digest is checked.
    ///
    /// # Errors
    ///
    /// [`Error::DigestMismatch`], [`Error::TooLarge`], any other [`Error`] of
    /// the wire.
    pub async fn manifest(
        &self,
        reference: impl Into<ManifestReference>,
    ) -> Result<Option<Manifest>, Error> {
        let reference = reference.into();
        let endpoint = Endpoint::Manifest(reference.clone());
        let mut request = self.request(Method::GET, &endpoint, &[200, 404])?;
        request
            .headers
            .insert(ACCEPT, HeaderValue::from_static(ACCEPTED_TYPES));
        request.limit = MANIFEST_LIMIT;
        let response = self.host.send(&request).await?;
        if response.status.as_u16() == 404 {
            return Ok(None);
        }
        let digest = checked_digest(reference.digest(), &response)?;
        let content_type = response.header(CONTENT_TYPE.as_str());
        Ok(Some(Manifest::new(
            response.body.clone(),
            content_type,
            digest,
        )))
    }

    /// Writes a manifest under a tag or its digest.
    ///
    /// A registry with immutable tags may refuse a tag that is there already
    /// (Amazon ECR: 400 `ImageTagAlreadyExistsException`; Harbor: 412; Azure
    /// with a lock: 405; others 403 or 409): where it has this digest, that is
    /// success.
    ///
    /// Where the registry says that it got something else, the manifest was damaged
    /// on the way, and under a tag that is visible now: it is written again at once,
    /// three times in all.
    ///
    /// # Errors
    ///
    /// Any [`Error`] of the wire; [`Error::DigestMismatch`] where the registry
    /// stored something else each time.
    pub async fn put_manifest(
        &self,
        reference: impl Into<ManifestReference>,
        manifest: &Manifest,
    ) -> Result<Put, Error> {
        let reference = &reference.into();
        let mut put = self.put_once(reference, manifest).await;
        for _ in 1..PUTS {
            match &put {
                Err(error) if was_damaged(error) => {
                    put = self.put_once(reference, manifest).await;
                }
                _ => break,
            }
        }
        put
    }

    async fn put_once(
        &self,
        reference: &ManifestReference,
        manifest: &Manifest,
    ) -> Result<Put, Error> {
        let endpoint = Endpoint::Manifest(reference.clone());
        let mut request = self.request(Method::PUT, &endpoint, &[200, 201, 202])?;
        let media_type = HeaderValue::from_str(&manifest.media_type).map_err(|_| {
            Error::protocol(
                &Method::PUT,
                &request.url,
                "the manifest's media type is no header value",
            )
        })?;
        request.headers.insert(CONTENT_TYPE, media_type);
        request.payload = manifest.bytes.clone();
        let response = match self.host.send(&request).await {
            Ok(response) => response,
            Err(error) if may_be_immutable(&error) => {
                let there = self.head_manifest(reference).await.ok().flatten();
                return match there {
                    Some(head) if head.digest == manifest.digest => Ok(Put {
                        subject_listed: self.referrers_support() == Support::Yes,
                    }),
                    _ => Err(error),
                };
            }
            Err(error) => return Err(error),
        };
        let stored = response.header(CONTENT_DIGEST);
        if response.status != StatusCode::CREATED && stored.is_none() {
            self.check_stored(reference, manifest, &response).await?;
        }
        match stored {
            Some(stored) if stored != manifest.digest.as_str() => Err(Error::DigestMismatch {
                url: redact::url(&response.url),
                expected: manifest.digest.clone(),
                actual: redact::printable(stored, 200),
            }),
            _ => Ok(Put {
                subject_listed: response.headers.contains_key("oci-subject"),
            }),
        }
    }

    /// The specification asks for 201. Some say 200 or 202, and so does every
    /// sign-in page of a network that answers in a registry's place: only what
    /// can be found is written.
    async fn check_stored(
        &self,
        reference: &ManifestReference,
        manifest: &Manifest,
        response: &BufferedResponse,
    ) -> Result<(), Error> {
        let there = self.head_manifest(reference).await?;
        if there.is_some_and(|head| head.digest == manifest.digest) {
            return Ok(());
        }
        Err(response.protocol_error(format!(
            "answered {}, but the manifest is not there: something answers in the registry's place",
            response.status
        )))
    }
}

impl ManifestHead {
    fn of(manifest: &Manifest) -> Self {
        Self {
            digest: manifest.digest.clone(),
            media_type: Some(manifest.media_type.clone()),
            size: Some(manifest.bytes.len() as u64),
        }
    }
}

/// A media type without parameters, which belong to one answer and are no part
/// of a descriptor's media type.
fn essence(value: &str) -> String {
    value.split(';').next().unwrap_or(value).trim().to_owned()
}

/// Whether the registry got other bytes than were sent: it names their digest, or
/// refuses them for it.
fn was_damaged(error: &Error) -> bool {
    match error {
        Error::DigestMismatch { .. } => true,
        Error::Status(error) => error.has_code("DIGEST_INVALID"),
        _ => false,
    }
}

fn may_be_immutable(error: &Error) -> bool {
    let status = error.status().map(|status| status.as_u16());
    matches!(status, Some(400 | 403 | 405 | 409 | 412))
}

/// The digest of what came, checked against the digest that was asked for or,
/// for a tag, the one the registry names.
fn checked_digest(asked: Option<&Digest>, response: &BufferedResponse) -> Result<Digest, Error> {
    let named = || response.header(CONTENT_DIGEST)?.parse().ok();
    let Some(expected) = asked.cloned().or_else(named) else {
        return Ok(sha256_digest(&response.body));
    };
    let actual = digest_like(&expected, &response.body);
    if actual == expected.as_str() {
        return Ok(expected);
    }
    Err(Error::DigestMismatch {
        url: redact::url(&response.url),
        expected,
        actual,
    })
}
