//! An upload in chunks, for hosts that refuse large bodies.
//!
//! Source: distribution specification, "Pushing a blob in chunks".

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_RANGE, CONTENT_TYPE, RANGE};
use http::{HeaderValue, Method};

use super::reader::BlobReader;
use super::requests::{Blob, OCTETS, UploadSession, session as next_session};
use super::transfer::{Progress, Side, TransferError};
use crate::error::Error;
use crate::repository::Repository;
use crate::transport::Permit;

/// Held in memory so that it can be sent again; well below the 20 MB of Azure
/// and the bounds of common proxies.
const CHUNK: u64 = 8 * 1024 * 1024;

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
    ) -> Result<(), TransferError> {
        let length = CHUNK.max(session.least_chunk);
        let mut begins = 0;
        loop {
            let chunk = fill(&mut reader, length)
                .await
                .map_err(|error| TransferError::new(Side::Source, error))?;
            if chunk.is_empty() {
                break;
            }
            let sent = chunk.len() as u64;
            session = self
                .send_chunk(session, begins, chunk, permit)
                .await
                .map_err(|error| TransferError::new(Side::Destination, error))?;
            begins += sent;
            progress(sent);
        }
        self.upload_bytes(&session, &blob.digest, Bytes::new(), Some(permit))
            .await
            .map_err(|error| TransferError::new(Side::Destination, error))
    }

    /// Sends one chunk. Where the answer was lost, the registry is asked how
    /// far it got, and only what is missing is sent again.
    async fn send_chunk(
        &self,
        mut session: UploadSession,
        begins: u64,
        chunk: Bytes,
        permit: &Permit,
    ) -> Result<UploadSession, Error> {
        const TRIES: usize = 3;
        let ends = begins + chunk.len() as u64;
        let mut from = begins;
        for _ in 0..TRIES {
            let rest = chunk.slice((from - begins) as usize..);
            match self.patch(&session, from, rest, permit).await? {
                Patched::Taken(next) => return Ok(next),
                Patched::Unclear => {}
            }
            let (next, reached) = self.upload_status(&session, permit).await?;
            session = next;
            if reached == ends {
                return Ok(session);
            }
            if !(begins..ends).contains(&reached) {
                break;
            }
            from = reached;
        }
        Err(Error::protocol(
            &Method::PATCH,
            &session.url,
            format!("the registry does not take the chunk from byte {begins} to {ends}"),
        ))
    }

    async fn patch(
        &self,
        session: &UploadSession,
        from: u64,
        chunk: Bytes,
        permit: &Permit,
    ) -> Result<Patched, Error> {
        let mut request = self.request(Method::PATCH, "", &[202, 204, 416])?;
        request.url = session.url.clone();
        let last = from + chunk.len() as u64 - 1;
        let range = HeaderValue::from_str(&format!("{from}-{last}"));
        request
            .headers
            .extend(range.ok().map(|range| (CONTENT_RANGE, range)));
        request.headers.insert(CONTENT_TYPE, OCTETS);
        request.payload = chunk;
        let reply = self.host.send_within(&request, permit).await?;
        if reply.status.as_u16() == 416 {
            // A repeated chunk whose first sending did arrive.
            return Ok(Patched::Unclear);
        }
        let mut next = next_session(&reply)?;
        next.least_chunk = session.least_chunk;
        Ok(Patched::Taken(next))
    }

    /// Where the upload stands: the number of bytes the registry has.
    async fn upload_status(
        &self,
        session: &UploadSession,
        permit: &Permit,
    ) -> Result<(UploadSession, u64), Error> {
        let mut request = self.request(Method::GET, "", &[204])?;
        request.url = session.url.clone();
        let reply = self.host.send_within(&request, permit).await?;
        let range = reply.header(RANGE.as_str()).unwrap_or_default();
        let last: Option<u64> = range.rsplit('-').next().and_then(|last| last.parse().ok());
        let last =
            last.ok_or_else(|| reply.protocol_error("no Range in the status of an upload"))?;
        let next = next_session(&reply).unwrap_or_else(|_| session.clone());
        Ok((next, if last == 0 { 0 } else { last + 1 }))
    }
}

enum Patched {
    Taken(UploadSession),
    Unclear,
}

async fn fill(reader: &mut BlobReader, length: u64) -> Result<Bytes, Error> {
    let mut chunk = BytesMut::new();
    while (chunk.len() as u64) < length {
        match reader.next().await? {
            Some(piece) => chunk.extend_from_slice(&piece),
            None => break,
        }
    }
    Ok(chunk.freeze())
}
