//! Reads a blob, resumes where it broke off, and checks it before the end.

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

/// A blob on its way, piece by piece.
///
/// Invariant: the last piece is given out only after the whole content has
/// been found to have its digest, so that whoever forwards the pieces can
/// never complete an upload of damaged content.
#[derive(Debug)]
pub struct BlobReader {
    repository: Repository,
    blob: Blob,
    received: u64,
    /// `None` once the content has been checked.
    hasher: Option<Hasher>,
    response: Option<Response>,
    /// A piece that came behind bytes that were known already.
    rest: Option<Bytes>,
    /// The source's place, kept over resumptions.
    permit: Option<Arc<Permit>>,
    retries: Retries,
    /// Where the last failure was.
    failed_at: u64,
}

/// So many bytes after a failure, the tries count from the beginning again: a
/// blob of gigabytes over a poor line breaks off more than five times. A peer
/// that sends less each time is one that stalls.
const PROGRESS: u64 = 1024 * 1024;

impl Repository {
    /// A reader of the blob; nothing is sent before the first
    /// [`BlobReader::next`].
    #[must_use]
    pub fn read_blob(&self, blob: &Blob) -> BlobReader {
        self.read_blob_with(blob, None)
    }

    pub(super) fn read_blob_with(&self, blob: &Blob, permit: Option<Arc<Permit>>) -> BlobReader {
        let hasher = Hasher::for_digest(&blob.digest);
        BlobReader {
            repository: self.clone(),
            blob: blob.clone(),
            received: 0,
            hasher: Some(hasher),
            response: None,
            rest: None,
            permit,
            retries: Retries::new(self.host.retry_policy()),
            failed_at: 0,
        }
    }
}

impl BlobReader {
    /// The next piece, `None` after the last.
    ///
    /// A body that breaks off or stalls is resumed with a `Range` request.
    ///
    /// # Errors
    ///
    /// [`Error::DigestMismatch`] and [`Error::SizeMismatch`] before the last
    /// piece; any other [`Error`] of the wire once the tries are used up.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        if self.received == self.blob.size {
            return self.check().map(|()| None);
        }
        if self.permit.is_none() {
            self.permit = Some(Arc::new(self.repository.host.permit().await?));
        }
        loop {
            let begun = Instant::now();
            let error = match self.read_on().await {
                Ok(piece) => return self.account(piece).map(Some),
                Err(error) => error,
            };
            (self.response, self.rest) = (None, None);
            tracing::debug!(%error, received = self.received, "a download broke off");
            if self.received - self.failed_at > PROGRESS {
                self.retries = Retries::new(self.repository.host.retry_policy());
            }
            self.failed_at = self.received;
            let peer = &self.repository.host.peer;
            let idle = begun.elapsed();
            peer.retry(&mut self.retries, error, idle).await?;
        }
    }

    async fn read_on(&mut self) -> Result<Bytes, Error> {
        if self.response.is_none() {
            self.response = Some(self.request().await?);
        }
        if let Some(rest) = self.rest.take() {
            return Ok(rest);
        }
        let Some(response) = &mut self.response else {
            return Err(self.cut_short());
        };
        let piece = response.chunk().await?;
        piece.ok_or_else(|| self.cut_short())
    }

    /// Asks for what is missing. A registry that ignores the range sends the
    /// whole again: what is known is passed over.
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
        let begins = begins_at(&response)?;
        if begins > self.received {
            return Err(Error::protocol(
                &Method::GET,
                response.url(),
                format!(
                    "asked for bytes from {}, the registry sent from {begins}",
                    self.received
                ),
            ));
        }
        self.check_announced(&response, begins)?;
        self.rest = self
            .pass_over(&mut response, self.received - begins)
            .await?;
        Ok(response)
    }

    fn check_announced(&self, response: &Response, begins: u64) -> Result<(), Error> {
        let announced = response.headers().get(http::header::CONTENT_LENGTH);
        let announced = announced.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        // A range may be shorter than asked for (RFC 9110 §15.3.7); then the
        // rest is asked for as after any body that ends early.
        let partial = response.status() == StatusCode::PARTIAL_CONTENT;
        match announced {
            Some(length) if partial && begins + length < self.blob.size => Ok(()),
            Some(length) if begins + length != self.blob.size => Err(Error::SizeMismatch {
                url: redact::url(response.url()),
                expected: self.blob.size,
                actual: begins + length,
            }),
            _ => Ok(()),
        }
    }

    async fn pass_over(
        &self,
        response: &mut Response,
        mut known: u64,
    ) -> Result<Option<Bytes>, Error> {
        while known > 0 {
            let mut piece = response.chunk().await?.ok_or_else(|| self.cut_short())?;
            let length = piece.len() as u64;
            if length > known {
                return Ok(Some(piece.split_off(known as usize)));
            }
            known -= length;
        }
        Ok(None)
    }

    fn account(&mut self, piece: Bytes) -> Result<Bytes, Error> {
        self.received += piece.len() as u64;
        if self.received > self.blob.size {
            return Err(Error::SizeMismatch {
                url: self.shown_url(),
                expected: self.blob.size,
                actual: self.received,
            });
        }
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&piece);
        }
        if self.received == self.blob.size {
            self.check()?;
        }
        Ok(piece)
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
            url: self.shown_url(),
            expected: self.blob.digest.clone(),
            actual,
        })
    }

    fn cut_short(&self) -> Error {
        Error::Connection {
            method: Method::GET,
            url: self.shown_url(),
            failure: ConnectionFailure::Closed,
            detail: format!(
                "the body ended after {} of {} bytes",
                self.received, self.blob.size
            ),
        }
    }

    fn shown_url(&self) -> String {
        let endpoint = Endpoint::Blob(self.blob.digest.clone());
        let request = self.repository.request(Method::GET, &endpoint, &[]);
        request.map_or_else(
            |_| self.blob.digest.to_string(),
            |request| redact::url(&request.url),
        )
    }
}

/// Where a body begins within the blob.
fn begins_at(response: &Response) -> Result<u64, Error> {
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
            "a partial answer without a readable Content-Range",
        )
    })
}
