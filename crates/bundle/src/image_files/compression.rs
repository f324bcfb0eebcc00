//! Compressed layers and archives.

use std::fs::File;
use std::io::{self, Read, Write};

use flate2::read::MultiGzDecoder;

use super::span::Span;

/// The maximum ratio of decompressed to compressed bytes. That of gzip is 1,032 at most; a higher one is
/// that of a decompression bomb.
const MAX_RATIO: u64 = 1_100;
/// Decompressed bytes that are permitted whatever the ratio.
const FREE_BYTES: u64 = 16 << 20;

/// The compression of a file, by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    None,
    Gzip,
    Zstd,
    Xz,
    Bzip2,
}

impl Compression {
    /// Returns the compression of a file.
    pub(super) fn of(span: &Span) -> io::Result<Self> {
        let mut start = Vec::new();
        span.reader()
            .take(6.min(span.size))
            .read_to_end(&mut start)?;
        let known: [(&[u8], Self); 4] = [
            (&[0x1f, 0x8b], Self::Gzip),
            (&[0x28, 0xb5, 0x2f, 0xfd], Self::Zstd),
            (&[0xfd, b'7', b'z', b'X', b'Z', 0], Self::Xz),
            (b"BZh", Self::Bzip2),
        ];
        let found = known
            .into_iter()
            .find(|(magic, _)| start.starts_with(magic));
        Ok(found.map_or(Self::None, |(_, compression)| compression))
    }

    /// Returns the decompressed content of a file in a file without a name.
    ///
    /// # Errors
    ///
    /// The cause.
    pub(super) fn decompressed(self, span: &Span) -> Result<File, String> {
        let failed = |error: io::Error| format!("cannot decompress it: {error}");
        let mut file = tempfile::tempfile().map_err(failed)?;
        self.copy(span, &mut file).map_err(failed)?;
        Ok(file)
    }

    /// Writes the decompressed content.
    ///
    /// # Errors
    ///
    /// [`io::Error`] also for a compression that is not supported, and for a decompression bomb.
    pub(super) fn copy(self, span: &Span, to: &mut impl Write) -> io::Result<()> {
        let mut reader = self.reader(span)?;
        let limit = span.size.saturating_mul(MAX_RATIO).max(FREE_BYTES);
        let mut buffer = vec![0; 256 * 1024];
        let mut written = 0;
        loop {
            let read = reader.read(&mut buffer)?;
            if read == 0 {
                return Ok(());
            }
            written += read as u64;
            if written > limit {
                let ratio = "it expands more than 1,100 times";
                return Err(io::Error::other(ratio));
            }
            to.write_all(&buffer[..read])?;
        }
    }

    fn reader(self, span: &Span) -> io::Result<Box<dyn Read>> {
        Ok(match self {
            Self::None => Box::new(span.reader()),
            Self::Gzip => Box::new(MultiGzDecoder::new(span.reader())),
            Self::Zstd => Box::new(zstd::Decoder::new(span.reader())?),
            Self::Xz | Self::Bzip2 => {
                let program = if self == Self::Xz { "xz" } else { "bzip2" };
                let text = format!("{program} is not supported; decompress it with `{program} -d`");
                return Err(io::Error::other(text));
            }
        })
    }
}
