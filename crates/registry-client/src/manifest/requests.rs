//! HEAD, GET and PUT of manifests.
//!
//! Source: distribution specification, "Pulling manifests", "Pushing Manifests".

use http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Method, StatusCode};
use image_name::{Digest, ManifestReference};
use std::borrow::Cow;

use super::document::Manifest;
use super::media_types::{owned_type, specific_type};
use crate::capabilities::Support;
use crate::digest::{digest_like, sha256_digest};
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::redact;
use crate::repository::Repository;
use crate::served::{Availability, READ, SUCCESS};
use crate::transport::{BufferedResponse, CONTENT_DIGEST, Request, may_have_happened};

/// The result of a HEAD for a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestHead {
    /// The digest.
    pub digest: Digest,
    /// The media type, if the registry sends it.
    pub media_type: Option<Cow<'static, str>>,
    /// The size in bytes, if the registry sends it.
    pub size: Option<u64>,
}

/// The result of a PUT of a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Put {
    /// True if the registry lists the manifest as a referrer of its subject (the `OCI-Subject`
    /// header). Otherwise the client must update the tag of the tag schema.
    pub subject_listed: bool,
}

/// The accepted media types. Registries convert or hide types that are not listed: without them quay
/// serves schema 1, and distribution 2.8 serves no OCI index.
pub(super) const ACCEPTED_TYPES: &str = "application/vnd.oci.image.index.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, \
    application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.v2+json, \
    application/vnd.oci.artifact.manifest.v1+json, */*";

/// The largest manifest in bytes. The specification asks registries to accept 4 MiB; none serves
/// more than twice that.
pub(super) const MAX_MANIFEST: u64 = 8 * 1024 * 1024;

/// Attempts to write a manifest that is damaged on the way.
const MAX_PUTS: usize = 3;

impl Repository {
    /// Returns the digest, type and size of the manifest behind a tag or digest, or `None` if it does
    /// not exist.
    ///
    /// A GET follows if the registry does not serve HEAD or sends no digest. The digest in a header is
    /// believed, unless it is of another algorithm than the requested one.
    ///
    /// # Errors
    ///
    /// Any [`Error`].
    pub async fn head_manifest(
        &self,
        reference: impl Into<ManifestReference>,
    ) -> Result<Option<ManifestHead>, Error> {
        let reference = reference.into();
        let request = self.manifest_head(&reference)?;
        let response = self.host.send(&request).await?;
        let digest = match Availability::of(&response) {
            Availability::Missing => return Ok(None),
            Availability::Available => stored_digest(reference.digest(), &response)?,
            Availability::NotServed => None,
        };
        let Some(digest) = digest else {
            let manifest = self.manifest(&reference).await?;
            return Ok(manifest.as_ref().map(ManifestHead::from_manifest));
        };
        let content_type = response.header(CONTENT_TYPE.as_str());
        Ok(Some(ManifestHead {
            digest,
            media_type: content_type.and_then(specific_type).map(owned_type),
            size: response
                .header(CONTENT_LENGTH.as_str())
                .and_then(|size| size.parse().ok()),
        }))
    }

    /// Returns the manifest behind a tag or digest, or `None` if it does not exist. Its digest is
    /// verified.
    ///
    /// # Errors
    ///
    /// [`Error::DigestMismatch`], [`Error::TooLarge`], any other [`Error`].
    pub async fn manifest(
        &self,
        reference: impl Into<ManifestReference>,
    ) -> Result<Option<Manifest>, Error> {
        let reference = reference.into();
        let endpoint = Endpoint::Manifest(reference.clone());
        let mut request = self.request(Method::GET, &endpoint, READ)?;
        request
            .headers
            .insert(ACCEPT, HeaderValue::from_static(ACCEPTED_TYPES));
        request.limit = MAX_MANIFEST;
        self.host.quota.pull(self.host.name())?;
        let response = self.host.send(&request).await?;
        match Availability::of(&response) {
            Availability::Available => {}
            Availability::Missing => return Ok(None),
            Availability::NotServed => return Err(response.status_error()),
        }
        let digest = checked_digest(reference.digest(), &response)?;
        let content_type = response.header(CONTENT_TYPE.as_str());
        Ok(Some(Manifest::new(
            response.body.clone(),
            content_type,
            digest,
        )))
    }

    /// Returns a cached manifest whose memory is counted until it is dropped.
    ///
    /// # Errors
    ///
    /// [`Error::DocumentMemory`] within [`Repository::with_document_memory`].
    pub async fn counted(&self, manifest: Manifest) -> Result<Manifest, Error> {
        let bytes = self.host.shared.documents.counted(manifest.bytes).await?;
        Ok(Manifest { bytes, ..manifest })
    }

    /// Writes a manifest under a tag or its digest.
    ///
    /// A registry with immutable tags may refuse a tag that exists (Amazon ECR: 400
    /// `ImageTagAlreadyExistsException`; Harbor: 412; Azure with a lock: 405; others 403 or 409). If
    /// the tag has this digest, the PUT succeeds.
    ///
    /// If the last attempt gets no response, or that of a proxy that did not wait, the PUT may have
    /// happened: it succeeds if the tag has this digest.
    ///
    /// If the registry reports another digest, the manifest was damaged on the way and may already be
    /// visible under the tag. It is written again at once, up to three times in all.
    ///
    /// # Errors
    ///
    /// Any [`Error`]; [`Error::DigestMismatch`] if the registry stored other content each time.
    pub async fn put_manifest(
        &self,
        reference: impl Into<ManifestReference>,
        manifest: &Manifest,
    ) -> Result<Put, Error> {
        let reference = &reference.into();
        let mut put = self.put_once(reference, manifest).await;
        for _ in 1..MAX_PUTS {
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
        let mut request = self.request(Method::PUT, &endpoint, SUCCESS)?;
        let media_type = HeaderValue::from_str(&manifest.media_type).map_err(|_| {
            Error::protocol(
                &Method::PUT,
                &request.url,
                "the media type of the manifest is not a header value",
            )
        })?;
        request.headers.insert(CONTENT_TYPE, media_type);
        request.payload = manifest.bytes.clone();
        let response = match self.host.send(&request).await {
            Ok(response) => response,
            Err(error) if may_be_immutable(&error) || may_have_happened(&error) => {
                return if self.has_digest(reference, &manifest.digest).await {
                    Ok(Put {
                        subject_listed: self.referrers_support() == Support::Yes,
                    })
                } else {
                    Err(error)
                };
            }
            Err(error) => return Err(error),
        };
        let stored = stored_digest(Some(&manifest.digest), &response)?;
        if response.status != StatusCode::CREATED && stored.is_none() {
            self.check_stored(reference, manifest, &response).await?;
        }
        Ok(Put {
            subject_listed: response.headers.contains_key("oci-subject"),
        })
    }

    /// Returns whether a tag or digest is known to have this digest. The request is sent once.
    async fn has_digest(&self, reference: &ManifestReference, digest: &Digest) -> bool {
        let answer = async {
            let request = self.manifest_head(reference)?;
            self.host.send_probe(&request).await
        };
        let found = answer.await.ok();
        let Some(response) = found.filter(|found| found.status != StatusCode::NOT_FOUND) else {
            return false;
        };
        let found = response.header(CONTENT_DIGEST).map(str::parse);
        if let Some(Ok(found)) = found {
            return response.status == StatusCode::OK && Digest::eq(&found, digest);
        }
        let found = self.manifest(reference).await.ok().flatten();
        found.is_some_and(|found| found.digest == *digest)
    }

    pub(super) fn manifest_head(&self, reference: &ManifestReference) -> Result<Request, Error> {
        let endpoint = Endpoint::Manifest(reference.clone());
        let mut request = self.request(Method::HEAD, &endpoint, READ)?;
        request
            .headers
            .insert(ACCEPT, HeaderValue::from_static(ACCEPTED_TYPES));
        Ok(request)
    }

    /// Checks that a manifest exists after a PUT without a 201, the status of the specification. Some
    /// registries send 200 or 202; so do sign-in pages of networks.
    async fn check_stored(
        &self,
        reference: &ManifestReference,
        manifest: &Manifest,
        response: &BufferedResponse,
    ) -> Result<(), Error> {
        let found = self.head_manifest(reference).await?;
        if found.is_some_and(|head| head.digest == manifest.digest) {
            return Ok(());
        }
        Err(response.protocol_error(format!(
            "status {}, but the manifest does not exist: the response is not from a registry",
            response.status
        )))
    }
}

impl ManifestHead {
    fn from_manifest(manifest: &Manifest) -> Self {
        Self {
            digest: manifest.digest.clone(),
            media_type: Some(owned_type(&manifest.media_type)),
            size: Some(manifest.bytes.len() as u64),
        }
    }
}

/// Returns the digest that a registry reports, without one of another algorithm than the expected one.
///
/// # Errors
///
/// [`Error::DigestMismatch`] for another digest of the expected algorithm.
pub(super) fn stored_digest(
    expected: Option<&Digest>,
    response: &BufferedResponse,
) -> Result<Option<Digest>, Error> {
    let reported = response.reported_digest();
    let Some(expected) = expected else {
        return Ok(reported.and_then(|reported| reported.parse().ok()));
    };
    response.check_stored_digest(expected)?;
    Ok((reported == Some(expected.as_str())).then(|| expected.clone()))
}

/// Returns whether the registry received other bytes: it reports another digest, or refuses the
/// digest.
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

/// Returns the digest of a response, verified against the requested digest or, for a tag, against the
/// digest in the header.
pub(super) fn checked_digest(
    requested: Option<&Digest>,
    response: &BufferedResponse,
) -> Result<Digest, Error> {
    let in_header = || response.header(CONTENT_DIGEST)?.parse().ok();
    let Some(expected) = requested.cloned().or_else(in_header) else {
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
