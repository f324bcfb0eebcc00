//! Blobs of sources that are text.

use image_name::Digest;
use registry_client::{Descriptor, Error, Repository};

use crate::recent_map::RecentMap;

/// Maximum number of blobs that are remembered.
const MAX_ENTRIES: usize = 4096;
/// The magic bytes of bzip2. Content that other programs compressed is not UTF-8.
const BZIP2: &[u8] = b"BZh";

/// The blobs of sources that are known to be text, such as signatures that were verified.
///
/// Text is UTF-8 without NUL: programs and file systems that a runtime could run contain NUL bytes, and compressed
/// ones are not UTF-8.
#[derive(Debug)]
pub struct TextBlobs {
    known: RecentMap<Digest, ()>,
}

/// Content that is read chunk by chunk, and is text so far.
#[derive(Debug, Default)]
struct TextSoFar {
    /// The beginning of a character at the end of the last chunk.
    rest: Vec<u8>,
    /// The first bytes.
    beginning: Vec<u8>,
}

impl Default for TextBlobs {
    fn default() -> Self {
        Self {
            known: RecentMap::new(MAX_ENTRIES, 0, |()| 0),
        }
    }
}

impl TextBlobs {
    /// Remembers a blob that was read for another purpose.
    pub(crate) fn note(&self, digest: &Digest, content: &[u8]) {
        let mut text = TextSoFar::default();
        if text.add(content) && text.is_complete() {
            self.remember(digest);
        }
    }

    /// Returns true if a blob of a source is text. Reading stops at the first chunk that is not.
    ///
    /// # Errors
    ///
    /// Any [`Error`] of a request.
    pub(crate) async fn is_text(
        &self,
        source: &Repository,
        descriptor: &Descriptor,
        digest: &Digest,
    ) -> Result<bool, Error> {
        if self.known.get(digest).is_some() {
            return Ok(true);
        }
        let blob = source.blob(digest.clone(), descriptor.size()).await?;
        let mut reader = source.read_blob(&blob);
        let mut text = TextSoFar::default();
        while let Some(chunk) = reader.next().await? {
            if !text.add(&chunk) {
                return Ok(false);
            }
        }
        let is_text = text.is_complete();
        if is_text {
            self.remember(digest);
        }
        Ok(is_text)
    }

    fn remember(&self, digest: &Digest) {
        // Set already if two rows have read the blob.
        let _ = self.known.cell(digest).set(());
    }
}

impl TextSoFar {
    /// Adds a chunk. Returns false if the content is not text.
    fn add(&mut self, chunk: &[u8]) -> bool {
        let missing = BZIP2.len().saturating_sub(self.beginning.len());
        self.beginning.extend(chunk.iter().take(missing));
        if self.beginning == BZIP2 || chunk.contains(&0) {
            return false;
        }
        self.rest.extend_from_slice(chunk);
        match std::str::from_utf8(&self.rest) {
            Ok(_) => self.rest.clear(),
            Err(error) if error.error_len().is_none() => {
                self.rest.drain(..error.valid_up_to());
            }
            Err(_) => return false,
        }
        true
    }

    /// Returns true if the content does not end within a character.
    fn is_complete(&self) -> bool {
        self.rest.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_utf8_without_nul_however_it_is_cut() {
        let gzip = b"\x1f\x8b\x08\x01\x01\x01\x01\x01\x01\x01".as_slice();
        let table: [(&[u8], bool); 9] = [
            (b"{\"critical\": {}}", true),
            (b"", true),
            ("<\u{e4}\u{20ac}\u{1f600}>".as_bytes(), true),
            (b"name\0\0\0", false),
            (gzip, false),
            (b"\x28\xb5\x2f\xfd", false),
            (b"\xfd7zXZ", false),
            (b"BZh91AY&SY", false),
            (b"cut \xe2\x82", false),
        ];
        for (content, want) in table {
            for size in [1, 2, 3, 100] {
                let mut text = TextSoFar::default();
                let is_text = content.chunks(size).all(|chunk| text.add(chunk));
                assert_eq!(is_text && text.is_complete(), want, "{content:?} {size}");
            }
        }
    }
}
