//! Upload sessions: bytes that arrive in pieces, hashed as they do.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use oci_spec::image::{Digest, DigestAlgorithm};
use sha2::{Digest as _, Sha256};

use super::failure::{Code, Failure};
use crate::digests::{has_digest, sha256};

/// Sessions open at once. A client that leaves more than these behind is refused new ones.
const MAX_SESSIONS: usize = 16_384;

/// The biggest blob. It lies in memory.
const MAX_BLOB: u64 = 8 << 30;

/// What is reserved at most on a client's word about the length of what it will send.
const MAX_RESERVED: u64 = 64 << 20;

#[derive(Default)]
struct Received {
    bytes: Vec<u8>,
    hash: Sha256,
}

/// The bytes of one upload. What has arrived stays when a connection breaks, so that a client can
/// ask for the offset and go on.
#[derive(Clone, Default)]
pub(crate) struct Upload(Arc<Mutex<Received>>);

impl Upload {
    fn with<R>(&self, work: impl FnOnce(&mut Received) -> R) -> R {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// How many bytes have arrived.
    pub(crate) fn offset(&self) -> u64 {
        self.with(|received| received.bytes.len() as u64)
    }

    /// Makes room for a body of a known length.
    pub(crate) fn reserve(&self, length: u64) {
        let length = usize::try_from(length.min(MAX_RESERVED)).unwrap_or(0);
        self.with(|received| received.bytes.reserve_exact(length));
    }

    /// Adds `frame` at `offset`; another place than the end means that two requests write at once.
    pub(crate) fn append(&self, offset: u64, frame: &[u8]) -> Result<u64, Failure> {
        self.with(|received| {
            let end = received.bytes.len() as u64;
            if end != offset {
                return Err(Failure::new(
                    Code::RangeInvalid,
                    format!("the upload is at {end}, not at {offset}"),
                ));
            }
            let next = end + frame.len() as u64;
            if next > MAX_BLOB {
                return Err(Failure::new(
                    Code::SizeInvalid,
                    format!("a blob has at most {MAX_BLOB} bytes here"),
                ));
            }
            received.bytes.extend_from_slice(frame);
            received.hash.update(frame);
            Ok(next)
        })
    }

    /// The blob, if it is the one that `digest` names.
    pub(crate) fn finish(&self, digest: &Digest) -> Result<Bytes, Failure> {
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
            Some(false) => Err(Failure::new(
                Code::DigestInvalid,
                format!("the {} bytes that came are not {digest}", bytes.len()),
            )),
            None => Err(Failure::new(
                Code::DigestInvalid,
                format!("{digest}: only sha256 and sha512 can be checked here"),
            )),
        }
    }
}

/// The open sessions of all repositories.
#[derive(Default)]
pub(crate) struct Sessions {
    next: AtomicU64,
    open: Mutex<HashMap<String, (String, Upload)>>,
}

impl Sessions {
    fn with<R>(&self, work: impl FnOnce(&mut HashMap<String, (String, Upload)>) -> R) -> R {
        work(&mut self.open.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Opens a session and names it.
    pub(crate) fn open(&self, repository: &str) -> Result<String, Failure> {
        let id = format!("{:016x}", self.next.fetch_add(1, Ordering::Relaxed));
        self.with(|open| {
            if open.len() >= MAX_SESSIONS {
                return Err(Failure::new(
                    Code::TooManyRequests,
                    format!("{MAX_SESSIONS} uploads are open"),
                ));
            }
            open.insert(id.clone(), (repository.to_owned(), Upload::default()));
            Ok(id)
        })
    }

    /// The session of that name in that repository.
    pub(crate) fn get(&self, repository: &str, id: &str) -> Result<Upload, Failure> {
        self.with(|open| match open.get(id) {
            Some((owner, upload)) if owner == repository => Ok(upload.clone()),
            _ => Err(unknown(id)),
        })
    }

    /// Ends a session; what it had received goes with the last handle to it.
    pub(crate) fn close(&self, repository: &str, id: &str) -> Result<Upload, Failure> {
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

fn unknown(id: &str) -> Failure {
    Failure::new(Code::BlobUploadUnknown, format!("no upload {id} is open"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest_of;

    #[test]
    fn of_two_that_write_at_once_one_is_refused() {
        let upload = Upload::default();
        assert_eq!(upload.append(0, b"ab").unwrap(), 2);
        let late = upload.append(0, b"xy").unwrap_err();
        assert_eq!(late.code(), Code::RangeInvalid);
        assert_eq!(upload.append(2, b"c").unwrap(), 3);
        assert_eq!(upload.finish(&digest_of(b"abc")).unwrap(), "abc");
    }

    #[test]
    fn sessions_that_were_left_behind_have_a_bound() {
        let sessions = Sessions::default();
        let first = sessions.open("a").unwrap();
        for _ in 1..MAX_SESSIONS {
            sessions.open("a").unwrap();
        }
        assert_eq!(
            sessions.open("a").unwrap_err().code(),
            Code::TooManyRequests
        );
        sessions.close("a", &first).unwrap();
        sessions.open("a").unwrap();
    }
}
