//! Content that is written to a file and checked.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use futures::StreamExt;
use image_name::Digest;
use registry_client::{ContentHasher, LocalError};

use super::store::Chunks;

/// A place in a file for content of known size and digest.
#[derive(Debug)]
pub(super) struct BlobPlace<'a> {
    pub(super) file: Arc<File>,
    pub(super) offset: u64,
    pub(super) size: u64,
    pub(super) digest: &'a Digest,
    /// The name of the file, for messages.
    pub(super) name: &'a str,
}

impl BlobPlace<'_> {
    /// Writes the content.
    ///
    /// # Errors
    ///
    /// [`LocalError`] for content of another size or digest, and if the file cannot be written.
    pub(super) async fn write(self, mut chunks: Chunks) -> Result<(), LocalError> {
        let Self {
            file,
            offset,
            size,
            digest,
            name,
        } = self;
        let mut hasher = ContentHasher::for_digest(digest);
        let mut written = 0_u64;
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk?;
            let position = offset + written;
            written += chunk.len() as u64;
            if written > size {
                break;
            }
            hasher.update(&chunk);
            let file = Arc::clone(&file);
            let write = tokio::task::spawn_blocking(move || file.write_all_at(&chunk, position));
            let write = write.await.map_err(io::Error::other).flatten();
            write.map_err(|error| LocalError::new(format!("cannot write {name}: {error}")))?;
        }
        if written != size {
            return Err(LocalError::new(format!(
                "the content of {digest} has another size than its {size} bytes"
            )));
        }
        let actual = hasher.finish();
        if actual != digest.as_str() {
            return Err(LocalError::new(format!(
                "the content of {digest} has the digest {actual}"
            )));
        }
        Ok(())
    }
}
