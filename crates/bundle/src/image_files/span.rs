//! A part of a file: a blob of a layout, or a member of an archive.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use registry_client::LocalError;

use super::store::Chunks;

/// The size of a chunk in bytes.
const CHUNK: usize = 256 * 1024;

/// A part of an open file.
#[derive(Debug, Clone)]
pub(super) struct Span {
    /// The file.
    pub(super) file: Arc<File>,
    /// The first byte.
    pub(super) offset: u64,
    /// The number of bytes.
    pub(super) size: u64,
}

impl Span {
    /// Reads the whole content, of which the caller has checked the size.
    pub(super) fn read(&self) -> io::Result<Vec<u8>> {
        let size = usize::try_from(self.size).map_err(io::Error::other)?;
        let mut content = vec![0; size];
        self.file.read_exact_at(&mut content, self.offset)?;
        Ok(content)
    }

    /// Returns a reader of the content.
    pub(super) fn reader(&self) -> SpanReader {
        SpanReader {
            span: self.clone(),
            position: 0,
        }
    }

    /// Returns the content after its first bytes, chunk by chunk. `name` is for messages.
    pub(super) fn chunks(self, start: u64, name: String) -> Chunks {
        let start = start.min(self.size);
        let name: Arc<str> = name.into();
        let chunks = futures::stream::try_unfold((self, start), move |(span, position)| {
            let name = Arc::clone(&name);
            async move {
                let size = (span.size - position).min(CHUNK as u64) as usize;
                if size == 0 {
                    return Ok(None);
                }
                let file = Arc::clone(&span.file);
                let offset = span.offset + position;
                let read = move || {
                    let mut chunk = vec![0; size];
                    file.read_exact_at(&mut chunk, offset)?;
                    Ok::<_, io::Error>(Bytes::from(chunk))
                };
                let read = tokio::task::spawn_blocking(read).await;
                let chunk = read.map_err(io::Error::other).flatten();
                let chunk = chunk
                    .map_err(|error| LocalError::new(format!("cannot read {name}: {error}")))?;
                Ok(Some((chunk, (span, position + size as u64))))
            }
        });
        chunks.boxed()
    }
}

/// A reader of a span.
#[derive(Debug)]
pub(super) struct SpanReader {
    span: Span,
    position: u64,
}

impl io::Read for SpanReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.span.size - self.position;
        let size = buffer
            .len()
            .min(usize::try_from(left).unwrap_or(usize::MAX));
        let offset = self.span.offset + self.position;
        let read = self.span.file.read_at(&mut buffer[..size], offset)?;
        if read == 0 && size > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.position += read as u64;
        Ok(read)
    }
}
