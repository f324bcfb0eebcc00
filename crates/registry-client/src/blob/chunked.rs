//! Uploads in chunks, for hosts that reject large bodies.
//!
//! Source: distribution specification, "Pushing a blob in chunks".

use std::time::Instant;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_RANGE, CONTENT_TYPE, RANGE};
use http::{HeaderValue, Method, StatusCode};

use super::body::BlobBody;
use super::monitor::TransferMonitor;
use super::requests::{Blob, OCTETS, UploadSession};
use super::transfer::{TransferSide, UploadFailure};
use crate::error::Error;
use crate::repository::Repository;
use crate::transport::{Permit, Retries};

/// The largest chunk that a registry can require, in bytes.
const LARGEST_CHUNK: u64 = 64 * 1024 * 1024;

impl Repository {
    /// Uploads the content of `reader` in chunks and closes the upload.
    ///
    /// # Errors
    ///
    /// The error of the source if reading failed, else that of the destination.
    pub(super) async fn upload_chunks(
        &self,
        mut session: UploadSession,
        blob: &Blob,
        mut reader: BlobBody,
        permit: &Permit,
        monitor: &TransferMonitor,
    ) -> Result<(), UploadFailure> {
        let mut start = 0;
        let mut rest = Bytes::new();
        while start < blob.size {
            // All transfers share a few chunks of memory. The semaphore is never closed.
            let _memory = self.host.shared.chunks.acquire().await.ok();
            let length = self.chunk_size(&session).min(blob.size - start);
            let next = async || monitor.next(&mut reader).await;
            let chunk = fill(next, &mut rest, length)
                .await
                .map_err(|error| UploadFailure::new(TransferSide::Source, error))?;
            let sent = chunk.len() as u64;
            session = self.send_chunk(session, start, chunk, permit).await?;
            start += sent;
            monitor.sent(sent);
        }
        self.close_upload(&session, &blob.digest, permit)
            .await
            .map_err(|error| UploadFailure::new(TransferSide::Destination, error).after_all_tries())
    }

    /// Returns the size of the chunks of an upload: the largest that the host has not refused, but
    /// no smaller than the registry requires.
    fn chunk_size(&self, session: &UploadSession) -> u64 {
        let accepted = self.host.capabilities.chunk_size();
        accepted.max(session.min_chunk).min(LARGEST_CHUNK)
    }

    /// Sends one chunk, in smaller ones after a 413. Some registries (distribution 2.8) ignore
    /// `Content-Range` and would append a repeated chunk. After a lost response, the status of the
    /// upload is requested, and only the missing bytes are sent again.
    async fn send_chunk(
        &self,
        mut session: UploadSession,
        start: u64,
        chunk: Bytes,
        permit: &Permit,
    ) -> Result<UploadSession, UploadFailure> {
        let failure = |error| UploadFailure::new(TransferSide::Destination, error);
        let timeouts = self.host.timeouts();
        let mut retries = Retries::new(self.host.retry_policy());
        let mut out_of_range = 0;
        let end = start + chunk.len() as u64;
        let mut from = start;
        loop {
            let started = Instant::now();
            let size = self.chunk_size(&session).min(end - from);
            let first = (from - start) as usize;
            let part = chunk.slice(first..first + size as usize);
            let error = match self.patch(&session, from, part, permit).await {
                Ok(next) => {
                    session = next;
                    from += size;
                    if from == end {
                        return Ok(session);
                    }
                    continue;
                }
                Err(error) => error,
            };
            let idle = started.elapsed().min(timeouts.first_byte + timeouts.stall);
            if self.is_smaller_chunk_next(&session, &error, size) {
                // A proxy may have refused it; the status shows what the registry has.
            } else if error.status() == Some(StatusCode::RANGE_NOT_SATISFIABLE) && out_of_range < 3
            {
                out_of_range += 1;
            } else {
                let retried = self.host.peer.retry(&mut retries, error, idle).await;
                retried.map_err(|error| {
                    failure(error)
                        .after_idling(retries.lost())
                        .after_all_tries()
                })?;
            }
            let status = self.upload_status(&session, permit).await;
            let (next, reached) =
                status.map_err(|error| failure(error).of_session().after_all_tries())?;
            session = next;
            if reached == end {
                return Ok(session);
            }
            if !(start..end).contains(&reached) {
                let what = format!(
                    "the registry has {reached} bytes of the upload, the chunk is from {start} to {end}"
                );
                let error = Error::protocol(&Method::PATCH, &session.url, what);
                return Err(failure(error).of_session());
            }
            from = reached;
        }
    }

    /// Returns true if smaller chunks follow one that was refused as too large.
    fn is_smaller_chunk_next(&self, session: &UploadSession, error: &Error, size: u64) -> bool {
        error.status() == Some(StatusCode::PAYLOAD_TOO_LARGE)
            && self.host.capabilities.record_refused_body(size)
            && self.chunk_size(session) < size
    }

    async fn patch(
        &self,
        session: &UploadSession,
        from: u64,
        chunk: Bytes,
        permit: &Permit,
    ) -> Result<UploadSession, Error> {
        let url = session.url.clone();
        let mut request = self.session_request(Method::PATCH, url, &[201, 202, 204])?;
        let last = from + chunk.len() as u64 - 1;
        let range = HeaderValue::from_str(&format!("{from}-{last}"));
        request
            .headers
            .extend(range.ok().map(|range| (CONTENT_RANGE, range)));
        request.headers.insert(CONTENT_TYPE, OCTETS);
        request.payload = chunk;
        request.is_blob = true;
        let response = self.host.send_once(&request, Some(permit)).await?;
        let mut next = self.session(&response)?;
        next.min_chunk = session.min_chunk;
        Ok(next)
    }

    /// Requests the number of bytes that the registry has received.
    async fn upload_status(
        &self,
        session: &UploadSession,
        permit: &Permit,
    ) -> Result<(UploadSession, u64), Error> {
        let request = self.session_request(Method::GET, session.url.clone(), &[204])?;
        let response = self.host.send_within(&request, permit).await?;
        let range = response.header(RANGE.as_str()).unwrap_or_default();
        let last: Option<u64> = range.rsplit('-').next().and_then(|last| last.parse().ok());
        let last = last
            .ok_or_else(|| response.protocol_error("no valid Range in the status of an upload"))?;
        let next = self.session(&response).unwrap_or_else(|_| session.clone());
        Ok((next, if last == 0 { 0 } else { last + 1 }))
    }
}

/// Reads `length` bytes, or fewer at the end. `rest` is the part of the last chunk that is left over.
async fn fill(
    mut next: impl AsyncFnMut() -> Result<Option<Bytes>, Error>,
    rest: &mut Bytes,
    length: u64,
) -> Result<Bytes, Error> {
    let mut chunk = BytesMut::with_capacity(length as usize);
    loop {
        let missing = length as usize - chunk.len();
        chunk.extend_from_slice(&rest.split_to(rest.len().min(missing)));
        if chunk.len() as u64 == length {
            return Ok(chunk.freeze());
        }
        match next().await? {
            Some(bytes) => *rest = bytes,
            None => return Ok(chunk.freeze()),
        }
    }
}
