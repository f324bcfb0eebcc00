//! The small requests around blobs: does it exist, mount it, begin and end an
//! upload.
//!
//! Source: distribution specification, "Pushing Blobs", "Mounting a blob from
//! another repository".

use bytes::Bytes;
use http::Method;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use http::{HeaderValue, StatusCode};
use image_name::{Digest, DigestError, RepositoryPath};
use oci_spec::image::Descriptor;
use url::Url;

use crate::digest::digest_like;
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::redact;
use crate::repository::Repository;
use crate::transport::{BufferedResponse, Permit, Request};

/// A blob by content: what of a descriptor matters for carrying it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    /// The digest of the content.
    pub digest: Digest,
    /// Its length in bytes.
    pub size: u64,
}

impl TryFrom<&Descriptor> for Blob {
    type Error = DigestError;

    fn try_from(descriptor: &Descriptor) -> Result<Self, DigestError> {
        Ok(Self {
            digest: descriptor.digest().try_into()?,
            size: descriptor.size(),
        })
    }
}

/// An upload that was begun; `url` takes the content and is where the session of an upload to
/// its repository may be.
#[derive(Debug, Clone)]
pub struct UploadSession {
    pub(super) url: Url,
    /// The least a registry takes in a chunk (`OCI-Chunk-Min-Length`), in bytes.
    pub(super) least_chunk: u64,
}

/// The answer to a mount.
#[derive(Debug, Clone)]
pub enum Mount {
    /// The blob is in the repository now.
    Mounted,
    /// It is not, and this upload may be used to send it.
    Session(UploadSession),
}

impl Repository {
    /// Whether the repository has the blob.
    ///
    /// An answer of another length is not the blob: a sign-in page of the
    /// network, or an upload that the registry lost half of. Sending the blob
    /// again is always right.
    ///
    /// # Errors
    ///
    /// Any [`Error`] of the wire.
    pub async fn has_blob(&self, blob: &Blob) -> Result<bool, Error> {
        let endpoint = Endpoint::Blob(blob.digest.clone());
        let request = self.request(Method::HEAD, &endpoint, &[200, 404])?;
        let response = self.host.send(&request).await?;
        let length = response.header(CONTENT_LENGTH.as_str());
        let length = length.and_then(|length| length.parse::<u64>().ok());
        let is_it = length.is_none_or(|length| length == blob.size);
        Ok(response.status == StatusCode::OK && is_it)
    }

    /// A blob read whole into memory, at most `limit` bytes, digest checked.
    /// For configs and other small blobs.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`], [`Error::SizeMismatch`], [`Error::DigestMismatch`],
    /// any other [`Error`] of the wire.
    pub async fn small_blob(&self, blob: &Blob, limit: u64) -> Result<Bytes, Error> {
        let endpoint = Endpoint::Blob(blob.digest.clone());
        let mut request = self.request(Method::GET, &endpoint, &[200])?;
        request.limit = limit;
        let response = self.host.send(&request).await?;
        let came = response.body.len() as u64;
        if came != blob.size {
            return Err(Error::SizeMismatch {
                url: redact::url(&response.url),
                expected: blob.size,
                actual: came,
            });
        }
        let actual = digest_like(&blob.digest, &response.body);
        if actual == blob.digest.as_str() {
            return Ok(response.body);
        }
        Err(Error::DigestMismatch {
            url: redact::url(&response.url),
            expected: blob.digest.clone(),
            actual,
        })
    }

    /// Asks for a blob of another repository of the same host, or of this one
    /// (which tells in the same request whether it is here already).
    ///
    /// A registry that does not mount answers 202 with an upload session
    /// (Amazon ECR, Google Artifact Registry); one that refuses with 400, 403
    /// or 405, or does not know the other repository (404), is asked for a
    /// session of its own.
    ///
    /// # Errors
    ///
    /// Any [`Error`] of the wire.
    pub async fn mount(&self, digest: &Digest, from: &RepositoryPath) -> Result<Mount, Error> {
        let mut request = self.upload_request(&[201, 202, 400, 403, 404, 405])?;
        request
            .url
            .query_pairs_mut()
            .append_pair("mount", digest.as_str())
            .append_pair("from", from.as_str());
        request.scopes = Some(self.scopes.and_pull(from));
        let response = match self.host.send(&request).await {
            // A token server may refuse the scope of the other repository.
            Err(error) if error.is_refused() => {
                return self.begin_upload().await.map(Mount::Session);
            }
            other => other?,
        };
        match response.status.as_u16() {
            201 => {
                self.host.capabilities.record_mount(true);
                Ok(Mount::Mounted)
            }
            202 => Ok(Mount::Session(self.session(&response)?)),
            _ => self.begin_upload().await.map(Mount::Session),
        }
    }

    /// Notes that a blob known to be here was not mounted: the host does not
    /// honour mounts.
    pub fn mount_was_refused(&self) {
        self.host.capabilities.record_mount(false);
    }

    /// Begins an upload.
    ///
    /// # Errors
    ///
    /// Any [`Error`] of the wire; [`Error::Protocol`] without a `Location`.
    pub async fn begin_upload(&self) -> Result<UploadSession, Error> {
        let request = self.upload_request(&[202])?;
        self.session(&self.host.send(&request).await?)
    }

    fn upload_request(&self, accepted: &'static [u16]) -> Result<Request, Error> {
        self.request(Method::POST, &Endpoint::Upload, accepted)
    }

    /// Gives an upload up, so that the registry need not keep it. It is tried
    /// once: registries drop uploads that are left alone.
    pub async fn cancel_upload(&self, session: UploadSession) {
        let request = self.session_request(Method::DELETE, session.url, &[202, 204, 404]);
        if let Ok(request) = request {
            self.host.send_once(&request, None).await.ok();
        }
    }

    /// Sends a whole blob from memory, in one try: after a failure it cannot
    /// be known what the session holds.
    ///
    /// # Errors
    ///
    /// Any [`Error`] of the wire.
    pub(super) async fn upload_bytes(
        &self,
        session: &UploadSession,
        digest: &Digest,
        content: Bytes,
    ) -> Result<(), Error> {
        let mut request = self.closing_request(session, digest)?;
        request.payload = content;
        self.host.send_once(&request, None).await.map(drop)
    }

    /// Closes an upload whose content was sent.
    ///
    /// # Errors
    ///
    /// Any [`Error`] of the wire.
    pub(super) async fn close_upload(
        &self,
        session: &UploadSession,
        digest: &Digest,
        permit: &Permit,
    ) -> Result<(), Error> {
        let request = self.closing_request(session, digest)?;
        self.host.send_within(&request, permit).await.map(drop)
    }

    fn closing_request(&self, session: &UploadSession, digest: &Digest) -> Result<Request, Error> {
        let url = session.closing_url(digest);
        let mut request = self.session_request(Method::PUT, url, &[201, 204])?;
        request.headers.insert(CONTENT_TYPE, OCTETS);
        Ok(request)
    }

    /// A request to the session of an upload, at the URL that the registry chose.
    pub(super) fn session_request(
        &self,
        method: Method,
        url: Url,
        accepted: &'static [u16],
    ) -> Result<Request, Error> {
        Ok(Request {
            url,
            is_session: true,
            ..self.request(method, &Endpoint::Upload, accepted)?
        })
    }

    /// The session of an response. `Location` may be relative, without a leading slash even, or
    /// absolute, at another host too (which then gets no credentials of ours). A registry behind
    /// a proxy that ends TLS may name itself with `http`: the host is the same, so the scheme
    /// stays ours; to another host, content does not leave TLS.
    pub(super) fn session(&self, response: &BufferedResponse) -> Result<UploadSession, Error> {
        let location = response.header(LOCATION.as_str()).ok_or_else(|| {
            response.protocol_error("the registry began an upload but gave no Location for it")
        })?;
        let mut url = response.url.join(location).map_err(|error| {
            response.protocol_error(format!("the upload's Location is no URL ({error})"))
        })?;
        if url.host() == response.url.host() && url.scheme() != response.url.scheme() {
            url.set_scheme(response.url.scheme()).ok();
        }
        if url.scheme() != "https" && url.scheme() != response.url.scheme() {
            return Err(response.protocol_error(format!(
                "the upload's Location {} leaves TLS, which is refused",
                redact::url(&url)
            )));
        }
        self.check_session_url(&response.method, &url)?;
        Ok(UploadSession {
            url,
            least_chunk: response
                .header("oci-chunk-min-length")
                .and_then(|length| length.parse().ok())
                .unwrap_or(0),
        })
    }

    /// Checks a URL that the registry chose for an upload.
    pub(super) fn check_session_url(&self, method: &Method, url: &Url) -> Result<(), Error> {
        let without_user = url.username().is_empty() && url.password().is_none();
        if without_user && self.host.may_hold_session(url, &self.path) {
            return Ok(());
        }
        let what = format!(
            "the registry chose it for an upload to {self}, whose sessions are below /v2/{}/blobs/uploads/",
            self.path
        );
        Err(Error::NotSent {
            method: method.clone(),
            url: redact::url(url),
            what,
        })
    }
}

pub(super) const OCTETS: HeaderValue = HeaderValue::from_static("application/octet-stream");

impl UploadSession {
    /// Where the upload is closed. The session's own query is kept (it may
    /// carry the session's state), as the specification asks; a redirection
    /// has the digest in its URL already.
    pub(super) fn closing_url(&self, digest: &Digest) -> Url {
        let mut url = self.url.clone();
        if !url.query_pairs().any(|(key, _)| key == "digest") {
            url.query_pairs_mut().append_pair("digest", digest.as_str());
        }
        url
    }
}
