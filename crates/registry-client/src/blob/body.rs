//! The content of a blob for one upload.

use bytes::Bytes;

use super::fan_out::SharedReader;
use super::reader::BlobReader;
use crate::error::Error;

/// The content of a blob for one upload. The digest is checked before the last chunk.
#[derive(Debug)]
pub(super) enum BlobBody {
    /// A read for this upload alone.
    Own(BlobReader),
    /// A read shared with uploads to other registries.
    Shared(SharedReader),
}

impl BlobBody {
    /// Returns the next chunk, `None` after the last.
    ///
    /// # Errors
    ///
    /// As [`BlobReader::next`].
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        match self {
            Self::Own(reader) => reader.next().await,
            Self::Shared(reader) => reader.next().await,
        }
    }
}
