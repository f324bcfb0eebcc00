//! Reads a blob, resumes after a failure, and checks the digest.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::header::{CONTENT_RANGE, RANGE};
use http::{HeaderValue, Method, StatusCode};

use super::requests::Blob;
use crate::connection_failure::ConnectionFailure;
use crate::digest::Hasher;
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::redact;
use crate::repository::Repository;
use crate::transport::{Permit, Response, Retries};

/// A reader of the chunks of a blob.
///
/// Invariant: the last chunk is returned only after the digest of the whole content was checked. A
/// caller that forwards the chunks cannot complete an upload of damaged content.
#[derive(Debug)]
pub struct BlobReader {
    repository: Repository,
    blob: Blob,
    received: u64,
    /// `None` once the content has been checked.
    hasher: Option<Hasher>,
    response: Option<Response>,
    /// The new part of a chunk that begins with bytes received before.
    rest: Option<Bytes>,
    /// The permit of the source, kept when the download resumes.
    permit: Option<Arc<Permit>>,
    retries: Retries,
    /// The number of bytes received before the last failure.
    failed_at: u64,
}

/// A position in a blob, with the state of the digest of the content before it.
#[derive(Debug, Clone)]
pub(super) struct Position {
    received: u64,
    hasher: Hasher,
}

#[cfg(test)]
impl Position {
    pub(super) fn of(received: u64, hasher: Hasher) -> Self {
        Self { received, hasher }
    }

    pub(super) fn received(&self) -> u64 {
        self.received
    }
}

/// The number of bytes after a failure that resets the attempts. A download of gigabytes over an
/// unreliable connection fails more than five times; a peer that sends less each time stalls.
const PROGRESS: u64 = 1024 * 1024;

impl Repository {
    /// Returns a reader of a blob. No request is sent before the first [`BlobReader::next`].
    #[must_use]
    pub fn read_blob(&self, blob: &Blob) -> BlobReader {
        self.read_blob_with(blob, None)
    }

    pub(super) fn read_blob_with(&self, blob: &Blob, permit: Option<Arc<Permit>>) -> BlobReader {
        let start = Position {
            received: 0,
            hasher: Hasher::for_digest(&blob.digest),
        };
        self.reader(blob, start, permit)
    }

    /// Returns a reader of the rest of a blob, which checks the digest of the whole.
    pub(super) fn read_rest_of_blob(
        &self,
        blob: &Blob,
        position: Position,
        permit: Arc<Permit>,
    ) -> BlobReader {
        self.reader(blob, position, Some(permit))
    }

    fn reader(&self, blob: &Blob, position: Position, permit: Option<Arc<Permit>>) -> BlobReader {
        BlobReader {
            repository: self.clone(),
            blob: blob.clone(),
            received: position.received,
            hasher: Some(position.hasher),
            response: None,
            rest: None,
            permit,
            retries: Retries::new(self.host.retry_policy()),
            failed_at: position.received,
        }
    }
}

impl BlobReader {
    /// Returns the next chunk, `None` after the last.
    ///
    /// A body that ends early or stalls is resumed with a `Range` request.
    ///
    /// # Errors
    ///
    /// [`Error::DigestMismatch`] and [`Error::SizeMismatch`] before the last chunk; any other [`Error`]
    /// of a request after the last attempt.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        if self.received == self.blob.size {
            return self.check().map(|()| None);
        }
        if self.permit.is_none() {
            self.permit = Some(Arc::new(self.repository.host.permit().await?));
        }
        loop {
            let started = Instant::now();
            let error = match self.read_chunk().await {
                Ok(chunk) => return self.record(chunk).map(Some),
                Err(error) => error,
            };
            (self.response, self.rest) = (None, None);
            tracing::debug!(%error, received = self.received, "a download failed");
            if self.received - self.failed_at > PROGRESS {
                self.retries = Retries::new(self.repository.host.retry_policy());
            }
            self.failed_at = self.received;
            let peer = &self.repository.host.peer;
            let idle = started.elapsed();
            peer.retry(&mut self.retries, error, idle).await?;
        }
    }

    /// Returns the position before the next chunk, `None` after the last.
    pub(super) fn position(&self) -> Option<Position> {
        self.hasher.clone().map(|hasher| Position {
            received: self.received,
            hasher,
        })
    }

    async fn read_chunk(&mut self) -> Result<Bytes, Error> {
        if self.response.is_none() {
            self.response = Some(self.request().await?);
        }
        if let Some(rest) = self.rest.take() {
            return Ok(rest);
        }
        let Some(response) = &mut self.response else {
            return Err(self.cut_short());
        };
        let chunk = response.chunk().await?;
        chunk.ok_or_else(|| self.cut_short())
    }

    /// Requests the blob, or the rest of it. A registry without ranges sends the whole blob again; the
    /// bytes received before are skipped.
    async fn request(&mut self) -> Result<Response, Error> {
        let endpoint = Endpoint::Blob(self.blob.digest.clone());
        let request = self.repository.request(Method::GET, &endpoint, &[200, 206]);
        let mut request = request?;
        request.is_blob = true;
        if self.received > 0 {
            let range = HeaderValue::from_str(&format!("bytes={}-", self.received));
            request
                .headers
                .extend(range.ok().map(|range| (RANGE, range)));
        }
        let Some(permit) = &self.permit else {
            return Err(self.cut_short());
        };
        let mut response = self.repository.host.open(&request, permit).await?;
        let start = range_start(&response)?;
        if start > self.received {
            return Err(Error::protocol(
                &Method::GET,
                response.url(),
                format!(
                    "the requested range starts at byte {}, the response at byte {start}",
                    self.received
                ),
            ));
        }
        self.check_length(&response, start)?;
        self.rest = self.skip(&mut response, self.received - start).await?;
        Ok(response)
    }

    fn check_length(&self, response: &Response, start: u64) -> Result<(), Error> {
        let announced = response.headers().get(http::header::CONTENT_LENGTH);
        let announced = announced.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        // A range may be shorter than requested (RFC 9110 §15.3.7). The rest is requested as after any
        // body that ends early.
        let partial = response.status() == StatusCode::PARTIAL_CONTENT;
        match announced {
            Some(length) if partial && start + length < self.blob.size => Ok(()),
            Some(length) if start + length != self.blob.size => Err(Error::SizeMismatch {
                url: redact::url(response.url()),
                expected: self.blob.size,
                actual: start + length,
            }),
            _ => Ok(()),
        }
    }

    async fn skip(
        &self,
        response: &mut Response,
        mut received: u64,
    ) -> Result<Option<Bytes>, Error> {
        while received > 0 {
            let mut chunk = response.chunk().await?.ok_or_else(|| self.cut_short())?;
            let length = chunk.len() as u64;
            if length > received {
                return Ok(Some(chunk.split_off(received as usize)));
            }
            received -= length;
        }
        Ok(None)
    }

    fn record(&mut self, chunk: Bytes) -> Result<Bytes, Error> {
        self.received += chunk.len() as u64;
        if self.received > self.blob.size {
            return Err(Error::SizeMismatch {
                url: self.redacted_url(),
                expected: self.blob.size,
                actual: self.received,
            });
        }
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&chunk);
        }
        if self.received == self.blob.size {
            self.check()?;
        }
        Ok(chunk)
    }

    fn check(&mut self) -> Result<(), Error> {
        let Some(hasher) = self.hasher.take() else {
            return Ok(());
        };
        let actual = hasher.finish();
        if actual == self.blob.digest.as_ref() {
            return Ok(());
        }
        Err(Error::DigestMismatch {
            url: self.redacted_url(),
            expected: self.blob.digest.clone(),
            actual,
        })
    }

    fn cut_short(&self) -> Error {
        Error::Connection {
            method: Method::GET,
            url: self.redacted_url(),
            failure: ConnectionFailure::Closed,
            detail: format!(
                "the body ended after {} of {} bytes",
                self.received, self.blob.size
            ),
        }
    }

    fn redacted_url(&self) -> String {
        let endpoint = Endpoint::Blob(self.blob.digest.clone());
        let request = self.repository.request(Method::GET, &endpoint, &[]);
        request.map_or_else(
            |_| self.blob.digest.to_string(),
            |request| redact::url(&request.url),
        )
    }
}

/// Returns the position of a body within the blob.
fn range_start(response: &Response) -> Result<u64, Error> {
    if response.status() != StatusCode::PARTIAL_CONTENT {
        return Ok(0);
    }
    let range = response
        .headers()
        .get(CONTENT_RANGE)
        .and_then(|value| value.to_str().ok());
    let start = range.and_then(|range| {
        range
            .strip_prefix("bytes ")?
            .split('-')
            .next()?
            .parse()
            .ok()
    });
    start.ok_or_else(|| {
        Error::protocol(
            &Method::GET,
            response.url(),
            "a partial response without a valid Content-Range",
        )
    })
}
