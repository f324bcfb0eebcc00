//! The small requests for blobs: existence, mounts, start and end of an upload.
//!
//! Source: distribution specification, "Pushing Blobs", "Mounting a blob from
//! another repository".

use bytes::Bytes;
use http::HeaderValue;
use http::Method;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use image_name::{Digest, RepositoryPath};
use url::Url;

use crate::digest::digest_like;
use crate::document_memory::BodyMemory;
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::redact;
use crate::repository::Repository;
use crate::security::has_user;
use crate::served::{Availability, READ};
use crate::transport::{BufferedResponse, Permit, Request, is_transient};

/// The digest and size of a blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    /// The digest of the content.
    pub digest: Digest,
    /// The size in bytes.
    pub size: u64,
}

/// An upload session. The registry chose its `url`, which is checked.
#[derive(Debug, Clone)]
pub struct UploadSession {
    pub(super) url: Url,
    /// The smallest chunk that the registry accepts (`OCI-Chunk-Min-Length`), in bytes.
    pub(super) min_chunk: u64,
}

/// The result of a mount.
#[derive(Debug, Clone)]
pub enum Mount {
    /// The blob is in the repository.
    Mounted,
    /// The blob was not mounted; the session is for its upload.
    Session(UploadSession),
    /// The registry neither mounted the blob nor refused to.
    Unanswered,
}

impl Repository {
    /// Returns whether the repository has a blob.
    ///
    /// A response with another length is not the blob, but the sign-in page of a network, or an upload
    /// that the registry lost in part. A second upload does no harm.
    ///
    /// # Errors
    ///
    /// Any [`Error`] of a request; one for which [`Error::is_not_served`] returns true if the registry
    /// does not say.
    pub async fn has_blob(&self, blob: &Blob) -> Result<bool, Error> {
        self.has_content(&blob.digest, Some(blob.size)).await
    }

    /// Returns whether the repository has a blob, as [`Repository::has_blob`] does, if its size may be
    /// unknown.
    ///
    /// # Errors
    ///
    /// Any [`Error`] of a request.
    pub async fn has_content(&self, digest: &Digest, size: Option<u64>) -> Result<bool, Error> {
        let response = self.host.send(&self.blob_head(digest)?).await?;
        is_blob(&response, size)
    }

    /// Returns whether the repository is known to have a blob. The request is sent once, since an
    /// upload of an existing blob does no harm; after a failure no other is sent in this repository.
    pub async fn is_known_to_have_blob(&self, blob: &Blob) -> bool {
        let probes = &self.host.capabilities.failed_blob_heads;
        if !probes.allow(&self.path) {
            return false;
        }
        let answer = async {
            let response = self.host.send_probe(&self.blob_head(&blob.digest)?).await?;
            is_blob(&response, Some(blob.size))
        };
        match answer.await {
            Ok(has_blob) => {
                probes.record_answer();
                has_blob
            }
            Err(error) => {
                tracing::debug!(%error, "{self} does not show which blobs it has; they are uploaded");
                probes.record_failure(&self.path);
                false
            }
        }
    }

    fn blob_head(&self, digest: &Digest) -> Result<Request, Error> {
        let endpoint = Endpoint::Blob(digest.clone());
        self.request(Method::HEAD, &endpoint, READ)
    }

    /// Returns a blob with its size, for which the registry is asked if its descriptor has none.
    ///
    /// # Errors
    ///
    /// [`Error::Protocol`] if the registry does not send the size, any other [`Error`] of a request.
    pub async fn blob(&self, digest: Digest, size: Option<u64>) -> Result<Blob, Error> {
        if let Some(size) = size {
            return Ok(Blob { digest, size });
        }
        let request = self.request(Method::HEAD, &Endpoint::Blob(digest.clone()), &[200])?;
        let response = self.host.send(&request).await?;
        match content_length(&response) {
            Some(size) => Ok(Blob { digest, size }),
            None => Err(response.protocol_error(
                "neither the descriptor of the blob nor the response has its size",
            )),
        }
    }

    /// Reads a small blob, such as a config, into memory and checks its digest.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`], [`Error::SizeMismatch`], [`Error::DigestMismatch`],
    /// any other [`Error`] of a request.
    pub async fn small_blob(&self, blob: &Blob, limit: u64) -> Result<Bytes, Error> {
        let request = self.small_blob_get(&blob.digest, limit, BodyMemory::Blob)?;
        self.read_checked(&request, &blob.digest, Some(blob.size))
            .await
    }

    /// Reads a small blob and checks its digest and, if `size` is given, its size.
    ///
    /// # Errors
    ///
    /// As [`Repository::small_blob`].
    pub async fn read_small_blob(
        &self,
        digest: &Digest,
        size: Option<u64>,
        limit: u64,
    ) -> Result<Bytes, Error> {
        let request = self.small_blob_get(digest, limit, BodyMemory::Document)?;
        self.read_checked(&request, digest, size).await
    }

    fn small_blob_get(
        &self,
        digest: &Digest,
        limit: u64,
        body: BodyMemory,
    ) -> Result<Request, Error> {
        let endpoint = Endpoint::Blob(digest.clone());
        let request = self.request(Method::GET, &endpoint, &[200])?;
        Ok(Request {
            limit,
            body,
            ..request
        })
    }

    async fn read_checked(
        &self,
        request: &Request,
        digest: &Digest,
        size: Option<u64>,
    ) -> Result<Bytes, Error> {
        let response = self.host.send(request).await?;
        let actual = response.body.len() as u64;
        if let Some(expected) = size.filter(|size| *size != actual) {
            return Err(Error::SizeMismatch {
                url: redact::url(&response.url),
                expected,
                actual,
            });
        }
        let actual = digest_like(digest, &response.body);
        if actual == digest.as_str() {
            return Ok(response.body);
        }
        Err(Error::DigestMismatch {
            url: redact::url(&response.url),
            expected: digest.clone(),
            actual,
        })
    }

    /// Mounts a blob of another repository of the same host. `from` may be the repository itself: the
    /// result shows whether it has the blob.
    ///
    /// A registry without mounts responds 202 with an upload session (Amazon ECR, Google Artifact
    /// Registry). After 404 (unknown source repository), a status of a registry that does not serve
    /// mounts, and a 201 with another digest, a session is requested. The mount is sent once. After any
    /// other failure no other is sent in this repository, and [`Repository::mount_support`] is
    /// [`Support::No`](crate::Support::No).
    ///
    /// # Errors
    ///
    /// Any [`Error`] of a request.
    pub async fn mount(&self, digest: &Digest, from: &RepositoryPath) -> Result<Mount, Error> {
        let mut request =
            self.upload_request(&[200, 201, 202, 204, 400, 403, 404, 405, 406, 410, 501])?;
        request
            .url
            .query_pairs_mut()
            .append_pair("mount", digest.as_str())
            .append_pair("from", from.as_str());
        request.scopes = Some(self.scopes.and_pull(from));
        let probes = &self.host.capabilities.failed_mounts;
        let response = match self.host.send_probe(&request).await {
            Ok(response) => response,
            // A token server may refuse the scope of the source repository.
            Err(error) if error.is_refused() => {
                return self.begin_upload().await.map(Mount::Session);
            }
            // The blob can always be uploaded.
            Err(error)
                if is_transient(&error)
                    || error.status().is_some()
                    || matches!(error, Error::TooLarge { .. } | Error::Protocol { .. }) =>
            {
                tracing::debug!(%error, "{self} does not answer a mount; its blobs are uploaded");
                probes.record_failure(&self.path);
                return Ok(Mount::Unanswered);
            }
            Err(error) => return Err(error),
        };
        probes.record_answer();
        match response.status.as_u16() {
            201 if response.check_stored_digest(digest).is_ok() => {
                self.host.capabilities.record_mount(true);
                Ok(Mount::Mounted)
            }
            202 => Ok(Mount::Session(self.session(&response)?)),
            _ => self.begin_upload().await.map(Mount::Session),
        }
    }

    /// Notes that an existing blob was not mounted: the host does not support mounts.
    pub fn mount_was_refused(&self) {
        self.host.capabilities.record_mount(false);
    }

    /// Starts an upload.
    ///
    /// # Errors
    ///
    /// Any [`Error`] of a request; [`Error::Protocol`] without a `Location`.
    pub async fn begin_upload(&self) -> Result<UploadSession, Error> {
        let request = self.upload_request(&[202])?;
        self.session(&self.host.send(&request).await?)
    }

    fn upload_request(&self, accepted: &'static [u16]) -> Result<Request, Error> {
        self.request(Method::POST, &Endpoint::Upload, accepted)
    }

    /// Cancels an upload, with one attempt: registries delete abandoned uploads themselves.
    pub async fn cancel_upload(&self, session: UploadSession) {
        let request = self.session_request(Method::DELETE, session.url, &[202, 204, 404]);
        if let Ok(request) = request {
            self.host.send_once(&request, None).await.ok();
        }
    }

    /// Sends a whole blob from memory, with one attempt: after a failure the content of the session is
    /// unknown.
    ///
    /// # Errors
    ///
    /// Any [`Error`] of a request.
    pub(super) async fn upload_bytes(
        &self,
        session: &UploadSession,
        digest: &Digest,
        content: Bytes,
    ) -> Result<(), Error> {
        let mut request = self.closing_request(session, digest)?;
        request.payload = content;
        let response = self.host.send_once(&request, None).await?;
        response.check_stored_digest(digest)
    }

    /// Closes an upload after its content was sent.
    ///
    /// # Errors
    ///
    /// Any [`Error`] of a request.
    pub(super) async fn close_upload(
        &self,
        session: &UploadSession,
        digest: &Digest,
        permit: &Permit,
    ) -> Result<(), Error> {
        let request = self.closing_request(session, digest)?;
        let response = self.host.send_within(&request, permit).await?;
        response.check_stored_digest(digest)
    }

    fn closing_request(&self, session: &UploadSession, digest: &Digest) -> Result<Request, Error> {
        let url = session.closing_url(digest);
        let mut request = self.session_request(Method::PUT, url, &[201, 204])?;
        request.headers.insert(CONTENT_TYPE, OCTETS);
        Ok(request)
    }

    /// Returns a request to the URL of an upload session.
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

    /// Reads the upload session from a response. `Location` may be relative, even without a leading
    /// slash, or absolute. Another host receives no credentials, and no content without TLS. A registry
    /// behind a TLS proxy may name itself with `http`; the scheme of the request is kept.
    pub(super) fn session(&self, response: &BufferedResponse) -> Result<UploadSession, Error> {
        let location = response.header(LOCATION.as_str()).ok_or_else(|| {
            response.protocol_error("the response that starts an upload has no Location")
        })?;
        let mut url = response.url.join(location).map_err(|error| {
            response.protocol_error(format!(
                "the Location of the upload is not a valid URL ({error})"
            ))
        })?;
        if url.host() == response.url.host() && url.scheme() != response.url.scheme() {
            url.set_scheme(response.url.scheme()).ok();
        }
        if url.scheme() != "https" && url.scheme() != response.url.scheme() {
            return Err(response.protocol_error(format!(
                "the Location {} of the upload leaves TLS, which is not permitted",
                redact::url(&url)
            )));
        }
        self.check_session_url(&response.method, &url)?;
        Ok(UploadSession {
            url,
            min_chunk: response
                .header("oci-chunk-min-length")
                .and_then(|length| length.parse().ok())
                .unwrap_or(0),
        })
    }

    /// Checks a URL that the registry chose for an upload.
    pub(super) fn check_session_url(&self, method: &Method, url: &Url) -> Result<(), Error> {
        if !has_user(url) && self.host.may_hold_session(url, &self.path) {
            return Ok(());
        }
        let what = format!(
            "it is not a session of an upload to {self}; those are below /v2/{}/blobs/uploads/",
            self.path
        );
        Err(Error::NotSent {
            method: method.clone(),
            url: redact::url(url),
            what,
        })
    }
}

fn content_length(response: &BufferedResponse) -> Option<u64> {
    response.header(CONTENT_LENGTH.as_str())?.parse().ok()
}

/// Returns whether the response to a HEAD is that of a blob.
fn is_blob(response: &BufferedResponse, size: Option<u64>) -> Result<bool, Error> {
    match Availability::of(response) {
        Availability::Available => {}
        Availability::Missing => return Ok(false),
        Availability::NotServed => return Err(response.status_error()),
    }
    let sizes = content_length(response).zip(size);
    Ok(sizes.is_none_or(|(length, size)| length == size))
}

pub(super) const OCTETS: HeaderValue = HeaderValue::from_static("application/octet-stream");

impl UploadSession {
    /// Returns the URL that closes the upload. The query of the session is kept, since it may carry its
    /// state, as the specification requires. The target of a redirect contains the digest already.
    pub(super) fn closing_url(&self, digest: &Digest) -> Url {
        let mut url = self.url.clone();
        if !url.query_pairs().any(|(key, _)| key == "digest") {
            url.query_pairs_mut().append_pair("digest", digest.as_str());
        }
        url
    }
}
