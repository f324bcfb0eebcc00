//! Responses.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, StatusCode};
use image_name::Digest;
use url::Url;

use super::host_limit::Permit;
use super::in_flight::InFlightGuard;
use super::rate_meter::RateMeter;
use crate::document_memory::{BodyMemory, DocumentMemory};
use crate::error::{Error, StatusError};
use crate::redact;
use crate::timeout_phase::TimeoutPhase;

/// A response with status and headers, before its body is read.
#[derive(Debug)]
pub(crate) struct Response {
    pub(super) method: Method,
    /// The URL after redirects.
    pub(super) url: Url,
    pub(super) response: reqwest::Response,
    pub(super) stall: Duration,
    /// The timeout of the whole body, if it is read into memory.
    pub(super) document: Duration,
    pub(super) rate: RateMeter,
    pub(super) guard: InFlightGuard,
    /// Kept until the body has been read.
    pub(super) permit: Option<Permit>,
}

/// A response with its whole body.
#[derive(Debug)]
pub struct BufferedResponse {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Response {
    pub(crate) fn status(&self) -> StatusCode {
        self.response.status()
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// Returns the next chunk of the body, `None` at its end.
    ///
    /// # Errors
    ///
    /// [`Error::Timeout`] if no byte arrives within the stall timeout, or the body is slower than the
    /// minimum rate; [`Error::Connection`] if the body ends early.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        let (started, limit) = (Instant::now(), self.stall.min(self.rate.time_left()));
        match tokio::time::timeout(limit, self.response.chunk()).await {
            Ok(Ok(chunk)) => {
                let bytes = chunk.as_ref().map_or(0, Bytes::len);
                self.guard.record_received(bytes as u64);
                self.rate.record(started.elapsed(), bytes as u64);
                Ok(chunk)
            }
            Ok(Err(error)) => Err(Error::local(&error).unwrap_or_else(|| {
                Error::connection(&self.method, &self.url, &error.without_url())
            })),
            Err(_) if limit < self.stall => {
                let minimum = self.rate.minimum();
                Err(self.timeout(TimeoutPhase::Slow(minimum.bytes), minimum.within))
            }
            Err(_) => Err(self.timeout(TimeoutPhase::Body, self.stall)),
        }
    }

    fn timeout(&self, phase: TimeoutPhase, after: Duration) -> Error {
        Error::timeout(&self.method, &self.url, phase, after)
    }

    /// Reads the whole body, at most `limit` bytes, for which there is always memory: an error or a token.
    ///
    /// # Errors
    ///
    /// As [`Response::chunk`]; [`Error::Timeout`] also for a body that is not complete in time.
    pub(crate) async fn read(mut self, limit: u64) -> Result<BufferedResponse, Error> {
        self.announced(limit)?;
        let deadline = Instant::now() + self.document;
        let mut body = BytesMut::new();
        while let Some(chunk) = self.chunk_before(deadline).await? {
            if (body.len() + chunk.len()) as u64 > limit {
                return Err(self.too_large(limit));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(self.with_body(body.freeze()))
    }

    /// Reads the whole body, at most `limit` bytes. It may wait for memory.
    ///
    /// # Errors
    ///
    /// As [`Response::read`]; [`Error::DocumentMemory`].
    pub(super) async fn read_document(
        mut self,
        memory: &DocumentMemory,
        limit: u64,
        kind: BodyMemory,
    ) -> Result<BufferedResponse, Error> {
        if self.method != Method::GET || kind == BodyMemory::Blob {
            return self.read(limit).await;
        }
        let size = self.announced(limit)?;
        let mut buffer = memory.buffer(size, limit).await?;
        let mut deadline = Instant::now() + self.document;
        while let Some(chunk) = self.chunk_before(deadline).await? {
            if (buffer.len() + chunk.len()) as u64 > limit {
                return Err(self.too_large(limit));
            }
            if buffer.is_full(chunk.len()) {
                let started = Instant::now();
                buffer.grow(chunk.len()).await?;
                deadline += started.elapsed();
            }
            buffer.push(&chunk);
        }
        Ok(self.with_body(buffer.finish(kind)))
    }

    /// Returns the size of the body, if the response has one.
    fn announced(&self, limit: u64) -> Result<Option<u64>, Error> {
        let size = self.response.content_length();
        let size = size.filter(|_| self.method != Method::HEAD);
        if size.is_some_and(|size| size > limit) {
            return Err(self.too_large(limit));
        }
        Ok(size)
    }

    async fn chunk_before(&mut self, deadline: Instant) -> Result<Option<Bytes>, Error> {
        let rest = deadline.saturating_duration_since(Instant::now());
        match tokio::time::timeout(rest, self.chunk()).await {
            Ok(chunk) => chunk,
            Err(_) => Err(self.timeout(TimeoutPhase::Document, self.document)),
        }
    }

    fn too_large(&self, limit: u64) -> Error {
        Error::TooLarge {
            url: redact::url(&self.url),
            limit,
        }
    }

    fn with_body(mut self, body: Bytes) -> BufferedResponse {
        BufferedResponse {
            status: self.response.status(),
            headers: std::mem::take(self.response.headers_mut()),
            method: self.method,
            url: self.url,
            body,
        }
    }
}

/// The digest of the content that a registry has served or stored.
pub(crate) const CONTENT_DIGEST: &str = "docker-content-digest";

impl BufferedResponse {
    /// Checks the digest that the registry reports for stored content, if it reports one.
    ///
    /// A digest of another algorithm is not comparable: distribution reports sha256 for each blob.
    ///
    /// # Errors
    ///
    /// [`Error::DigestMismatch`].
    pub(crate) fn check_stored_digest(&self, expected: &Digest) -> Result<(), Error> {
        let Some(reported) = self.reported_digest() else {
            return Ok(());
        };
        let algorithm = reported.split_once(':').map(|(algorithm, _)| algorithm);
        let comparable = algorithm.is_none_or(|name| name == expected.algorithm().as_str());
        if comparable && reported != expected.as_str() {
            return Err(Error::DigestMismatch {
                url: redact::url(&self.url),
                expected: expected.clone(),
                actual: redact::printable(reported, 200),
            });
        }
        Ok(())
    }

    /// Returns the text of the digest header, if it has one.
    pub(crate) fn reported_digest(&self) -> Option<&str> {
        self.header(CONTENT_DIGEST)
            .filter(|reported| !reported.is_empty())
    }

    /// Returns the body.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// Returns the value of a header if it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns the error of a response with an accepted but unexpected status.
    pub(crate) fn status_error(&self) -> Error {
        Error::Status(self.status_error_of(false))
    }

    /// Returns the error of a response instead of a later page of a list.
    pub(crate) fn missing_page(&self, page: usize) -> Error {
        let error = self.status_error_of(false);
        Error::MissingPage { page, error }
    }

    /// Returns the error of a response to a request with credentials.
    pub(crate) fn authenticated_error(&self) -> Error {
        Error::Status(self.status_error_of(true))
    }

    fn status_error_of(&self, authenticated: bool) -> Arc<StatusError> {
        let mut error = StatusError {
            method: self.method.clone(),
            url: redact::url(&self.url),
            status: self.status,
            codes: Vec::new(),
            text: String::new(),
            authenticated,
            retry_after: None,
            redirected: false,
        };
        error.read_body(&self.body);
        Arc::new(error)
    }

    /// Returns the error of a response whose content is unusable.
    #[must_use]
    pub fn protocol_error(&self, what: impl Into<String>) -> Error {
        Error::protocol(&self.method, &self.url, what)
    }
}
