//! An upload in chunks, for hosts that refuse large bodies.
//!
//! Source: distribution specification, "Pushing a blob in chunks".

use std::time::Instant;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_RANGE, CONTENT_TYPE, RANGE};
use http::{HeaderValue, Method, StatusCode};

use super::reader::BlobReader;
use super::requests::{Blob, OCTETS, UploadSession};
use super::transfer::{Progress, TransferSide, UploadFailure};
use crate::error::Error;
use crate::repository::Repository;
use crate::transport::{Permit, Retries};

/// Held in memory so that it can be sent again; well below the 20 MB of Azure
/// and the bounds of common proxies.
const CHUNK: u64 = 8 * 1024 * 1024;

/// A registry that wants larger chunks than this does not get them.
const LARGEST_CHUNK: u64 = 64 * 1024 * 1024;

impl Repository {
    /// Sends `reader` chunk by chunk and closes the upload.
    ///
    /// # Errors
    ///
    /// The source's error where reading failed; the destination's otherwise.
    pub(super) async fn upload_chunks(
        &self,
        mut session: UploadSession,
        blob: &Blob,
        mut reader: BlobReader,
        permit: &Permit,
        progress: &Progress,
    ) -> Result<(), UploadFailure> {
        let length = session.least_chunk.clamp(CHUNK, LARGEST_CHUNK);
        let mut begins = 0;
        let mut rest = Bytes::new();
        while begins < blob.size {
            // Chunks of all transfers together stay within a few places. The
            // semaphore is never closed.
            let _place = self.host.shared.chunks.acquire().await.ok();
            let chunk = fill(&mut reader, &mut rest, length.min(blob.size - begins))
                .await
                .map_err(|error| UploadFailure::new(TransferSide::Source, error))?;
            let sent = chunk.len() as u64;
            session = self.send_chunk(session, begins, chunk, permit).await?;
            begins += sent;
            progress(sent);
        }
        self.close_upload(&session, &blob.digest, permit)
            .await
            .map_err(|error| UploadFailure::new(TransferSide::Destination, error).after_all_tries())
    }

    /// Sends one chunk. A `PATCH` is never repeated blindly: some registries
    /// (distribution 2.8) pay no heed to its `Content-Range` and would append
    /// the chunk twice. Where the answer was lost, the registry is asked how
    /// far it got, and only what is missing is sent again.
    async fn send_chunk(
        &self,
        mut session: UploadSession,
        begins: u64,
        chunk: Bytes,
        permit: &Permit,
    ) -> Result<UploadSession, UploadFailure> {
        let failure = |error| UploadFailure::new(TransferSide::Destination, error);
        let timeouts = self.host.timeouts();
        let mut retries = Retries::new(self.host.retry_policy());
        let mut out_of_range = 0;
        let ends = begins + chunk.len() as u64;
        let mut from = begins;
        loop {
            let begun = Instant::now();
            let rest = chunk.slice((from - begins) as usize..);
            let error = match self.patch(&session, from, rest, permit).await {
                Ok(next) => return Ok(next),
                Err(error) => error,
            };
            let idle = begun.elapsed().min(timeouts.first_byte + timeouts.stall);
            if error.status() == Some(StatusCode::RANGE_NOT_SATISFIABLE) && out_of_range < 3 {
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
            if reached == ends {
                return Ok(session);
            }
            if !(begins..ends).contains(&reached) {
                let what = format!(
                    "the registry has {reached} bytes of the upload, the chunk goes from {begins} to {ends}"
                );
                let error = Error::protocol(&Method::PATCH, &session.url, what);
                return Err(failure(error).of_session());
            }
            from = reached;
        }
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
        next.least_chunk = session.least_chunk;
        Ok(next)
    }

    /// Where the upload stands: the number of bytes the registry has.
    async fn upload_status(
        &self,
        session: &UploadSession,
        permit: &Permit,
    ) -> Result<(UploadSession, u64), Error> {
        let request = self.session_request(Method::GET, session.url.clone(), &[204])?;
        let response = self.host.send_within(&request, permit).await?;
        let range = response.header(RANGE.as_str()).unwrap_or_default();
        let last: Option<u64> = range.rsplit('-').next().and_then(|last| last.parse().ok());
        let last =
            last.ok_or_else(|| response.protocol_error("no Range in the status of an upload"))?;
        let next = self.session(&response).unwrap_or_else(|_| session.clone());
        Ok((next, if last == 0 { 0 } else { last + 1 }))
    }
}

/// Exactly `length` bytes, or what there is before the end; `rest` is what
/// came too much.
async fn fill(reader: &mut BlobReader, rest: &mut Bytes, length: u64) -> Result<Bytes, Error> {
    let mut chunk = BytesMut::with_capacity(length as usize);
    loop {
        let wanted = length as usize - chunk.len();
        chunk.extend_from_slice(&rest.split_to(rest.len().min(wanted)));
        if chunk.len() as u64 == length {
            return Ok(chunk.freeze());
        }
        match reader.next().await? {
            Some(piece) => *rest = piece,
            None => return Ok(chunk.freeze()),
        }
    }
}
