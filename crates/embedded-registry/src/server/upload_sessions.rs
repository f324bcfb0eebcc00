//! Upload sessions: blobs that arrive in chunks and are hashed on arrival.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use oci_spec::image::{Digest, DigestAlgorithm};
use sha2::{Digest as _, Sha256};

use super::api_error::{ApiError, ErrorCode};
use crate::digests::{has_digest, sha256};

/// Maximum open sessions. The registry refuses further ones.
const MAX_SESSIONS: usize = 16_384;

/// The largest blob. Blobs are kept in memory.
const MAX_BLOB: u64 = 8 << 30;

/// The most memory that is reserved for a length that a client declares.
const MAX_RESERVED: u64 = 64 << 20;

#[derive(Default)]
struct Received {
    bytes: Vec<u8>,
    hash: Sha256,
}

/// The received bytes of one upload. They survive a broken connection, so that the client can ask
/// for the offset and continue.
#[derive(Clone, Default)]
pub(crate) struct Upload(Arc<Mutex<Received>>);

impl Upload {
    fn with<R>(&self, work: impl FnOnce(&mut Received) -> R) -> R {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns the number of received bytes.
    pub(crate) fn offset(&self) -> u64 {
        self.with(|received| received.bytes.len() as u64)
    }

    /// Reserves memory for a body of a known length.
    pub(crate) fn reserve(&self, length: u64) {
        let length = usize::try_from(length.min(MAX_RESERVED)).unwrap_or(0);
        self.with(|received| received.bytes.reserve_exact(length));
    }

    /// Appends `frame`. An `offset` other than the end means that two requests write concurrently.
    /// Returns the new offset.
    pub(crate) fn append(&self, offset: u64, frame: &[u8]) -> Result<u64, ApiError> {
        self.with(|received| {
            let end = received.bytes.len() as u64;
            if end != offset {
                return Err(ApiError::new(
                    ErrorCode::RangeInvalid,
                    format!("offset {offset} is not the end of the upload, {end}"),
                ));
            }
            let new_end = end + frame.len() as u64;
            if new_end > MAX_BLOB {
                return Err(ApiError::new(
                    ErrorCode::SizeInvalid,
                    format!("blob larger than {MAX_BLOB} bytes"),
                ));
            }
            received.bytes.extend_from_slice(frame);
            received.hash.update(frame);
            Ok(new_end)
        })
    }

    /// Returns the blob if it matches `digest`.
    pub(crate) fn finish(&self, digest: &Digest) -> Result<Bytes, ApiError> {
        let Received { mut bytes, hash } = self.with(std::mem::take);
        let matches = match digest.algorithm() {
            DigestAlgorithm::Sha256 => Some(sha256(hash.finalize().as_slice()) == *digest),
            _ => has_digest(&bytes, digest),
        };
        match matches {
            Some(true) => {
                bytes.shrink_to_fit();
                Ok(Bytes::from(bytes))
            }
            Some(false) => Err(ApiError::new(
                ErrorCode::DigestInvalid,
                format!("the blob of {} bytes does not match {digest}", bytes.len()),
            )),
            None => Err(ApiError::new(
                ErrorCode::DigestInvalid,
                format!("unsupported algorithm of {digest}: use sha256 or sha512"),
            )),
        }
    }
}

/// The open sessions of all repositories.
#[derive(Default)]
pub(crate) struct UploadSessions {
    next: AtomicU64,
    open: Mutex<HashMap<String, (String, Upload)>>,
}

impl UploadSessions {
    fn with<R>(&self, work: impl FnOnce(&mut HashMap<String, (String, Upload)>) -> R) -> R {
        work(&mut self.open.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Opens a session and returns its ID.
    pub(crate) fn open(&self, repository: &str) -> Result<String, ApiError> {
        let id = format!("{:016x}", self.next.fetch_add(1, Ordering::Relaxed));
        self.with(|open| {
            if open.len() >= MAX_SESSIONS {
                return Err(ApiError::new(
                    ErrorCode::TooManyRequests,
                    format!("more than {MAX_SESSIONS} open uploads"),
                ));
            }
            open.insert(id.clone(), (repository.to_owned(), Upload::default()));
            Ok(id)
        })
    }

    /// Returns an open session of a repository.
    pub(crate) fn get(&self, repository: &str, id: &str) -> Result<Upload, ApiError> {
        self.with(|open| match open.get(id) {
            Some((owner, upload)) if owner == repository => Ok(upload.clone()),
            _ => Err(unknown(id)),
        })
    }

    /// Removes a session. Its bytes are freed with the last handle.
    pub(crate) fn close(&self, repository: &str, id: &str) -> Result<Upload, ApiError> {
        self.with(|open| match open.get(id) {
            Some((owner, _)) if owner == repository => open
                .remove(id)
                .map(|(_, upload)| upload)
                .ok_or_else(|| unknown(id)),
            _ => Err(unknown(id)),
        })
    }

    pub(crate) fn clear(&self) {
        self.with(HashMap::clear);
    }
}

fn unknown(id: &str) -> ApiError {
    ApiError::new(ErrorCode::BlobUploadUnknown, format!("no open upload {id}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest_of;

    #[test]
    fn append_refuses_the_second_of_two_concurrent_writers() {
        let upload = Upload::default();
        assert_eq!(upload.append(0, b"ab").unwrap(), 2);
        let late = upload.append(0, b"xy").unwrap_err();
        assert_eq!(late.code(), ErrorCode::RangeInvalid);
        assert_eq!(upload.append(2, b"c").unwrap(), 3);
        assert_eq!(upload.finish(&digest_of(b"abc")).unwrap(), "abc");
    }

    #[test]
    fn open_refuses_sessions_over_the_limit() {
        let sessions = UploadSessions::default();
        let first = sessions.open("a").unwrap();
        for _ in 1..MAX_SESSIONS {
            sessions.open("a").unwrap();
        }
        assert_eq!(
            sessions.open("a").unwrap_err().code(),
            ErrorCode::TooManyRequests
        );
        sessions.close("a", &first).unwrap();
        sessions.open("a").unwrap();
    }
}
