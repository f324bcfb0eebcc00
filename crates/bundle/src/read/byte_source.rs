//! The bytes of an archive: from a file, from volumes, or from a stream, possibly compressed.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::error::ReadError;
use super::volumes::{VolumeReader, Volumes};

/// A sequence of bytes that are read once.
pub(super) trait ByteSource: Read + Send {
    /// Skips bytes that are not needed.
    fn skip(&mut self, mut bytes: u64) -> io::Result<()> {
        let mut buffer = vec![0; SKIP_BUFFER];
        while bytes > 0 {
            let most = buffer
                .len()
                .min(usize::try_from(bytes).unwrap_or(usize::MAX));
            match self.read(&mut buffer[..most])? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => bytes -= read as u64,
            }
        }
        Ok(())
    }
}

const SKIP_BUFFER: usize = 64 << 10;

impl ByteSource for VolumeReader {
    fn skip(&mut self, bytes: u64) -> io::Result<()> {
        self.advance(bytes)
    }
}

/// The first bytes of a compressed archive (RFC 8878, 3.1.1).
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// The first bytes of other formats that archives are compressed with.
const OTHERS: [(&[u8], &str); 4] = [
    (&[0x1f, 0x8b], "gzip data"),
    (b"BZh", "bzip2 data"),
    (&[0xfd, b'7', b'z', b'X', b'Z'], "xz data"),
    (&[0x04, 0x22, 0x4d, 0x18], "lz4 data"),
];

/// The maximum window of the decoder, as a power of two: 8 MiB, which RFC 8878 asks every decoder to
/// support. Level 19 and below need no more.
const MAX_WINDOW_LOG: u32 = 23;
/// The maximum ratio of the uncompressed archive to the compressed one. Layers are compressed already.
const MAX_EXPANSION: u64 = 1000;
/// Bytes that may be decompressed whatever the ratio.
const FREE_EXPANSION: u64 = 256 * 1024 * 1024;

/// Returns true if an archive with these first bytes is compressed with Zstandard.
pub(super) fn is_compressed(first: &[u8]) -> bool {
    first.starts_with(&ZSTD)
}

/// Checks that the first bytes may be those of a bundle.
///
/// # Errors
///
/// [`ReadError::NotABundle`] for another compression, and for an empty file.
pub(super) fn check_first_bytes(first: &[u8]) -> Result<(), ReadError> {
    let other = OTHERS.iter().find(|(magic, _)| first.starts_with(magic));
    let found = match other {
        Some((_, name)) => (*name).to_owned(),
        None if first.is_empty() => "nothing: it is empty".to_owned(),
        None => return Ok(()),
    };
    Err(ReadError::NotABundle { found })
}

/// Returns the bytes of the archive in volumes, decompressed if they are compressed.
///
/// # Errors
///
/// [`ReadError::NotABundle`], [`ReadError::Io`].
pub(super) fn of_volumes(volumes: &Arc<Volumes>) -> Result<Box<dyn ByteSource>, ReadError> {
    let first = volumes.first_bytes()?;
    check_first_bytes(&first)?;
    let reader = VolumeReader::new(Arc::clone(volumes));
    if is_compressed(&first) {
        return Decompressed::new(reader).map(|source| Box::new(source) as Box<dyn ByteSource>);
    }
    Ok(Box::new(reader))
}

/// Returns the bytes of the archive in a stream, decompressed if they are compressed.
///
/// # Errors
///
/// [`ReadError::NotABundle`], [`ReadError::Io`].
pub(super) fn of_stream(
    name: &str,
    mut stream: impl Read + Send + 'static,
) -> Result<Box<dyn ByteSource>, ReadError> {
    let mut first = Vec::new();
    let peeked = stream.by_ref().take(8).read_to_end(&mut first);
    peeked.map_err(|error| ReadError::io(name, error))?;
    check_first_bytes(&first)?;
    let compressed = is_compressed(&first);
    let whole = Stream(io::Cursor::new(first).chain(stream));
    if compressed {
        return Decompressed::new(whole).map(|source| Box::new(source) as Box<dyn ByteSource>);
    }
    Ok(Box::new(whole))
}

struct Stream<R>(R);

impl<R: Read> Read for Stream<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl<R: Read + Send> ByteSource for Stream<R> {}

/// A decompressed archive that expands only as much as a bundle does.
struct Decompressed<R: Read> {
    decoder: zstd::Decoder<'static, io::BufReader<Counted<R>>>,
    compressed: Arc<AtomicU64>,
    produced: u64,
}

struct Counted<R> {
    inner: R,
    read: Arc<AtomicU64>,
}

/// The archive expands too far.
#[derive(Debug, thiserror::Error)]
#[error("the archive expands too far")]
pub(super) struct Expansion;

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

impl<R: Read> Decompressed<R> {
    fn new(inner: R) -> Result<Self, ReadError> {
        let compressed = Arc::new(AtomicU64::new(0));
        let read = Arc::clone(&compressed);
        let failed = |error: io::Error| ReadError::Compression {
            detail: error.to_string(),
        };
        let mut decoder = zstd::Decoder::new(Counted { inner, read }).map_err(failed)?;
        decoder.window_log_max(MAX_WINDOW_LOG).map_err(failed)?;
        Ok(Self {
            decoder,
            compressed,
            produced: 0,
        })
    }
}

impl<R: Read> Read for Decompressed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.decoder.read(buffer)?;
        self.produced += read as u64;
        let allowed = self.compressed.load(Ordering::Relaxed) * MAX_EXPANSION;
        if self.produced > allowed.max(FREE_EXPANSION) {
            return Err(io::Error::other(Expansion));
        }
        Ok(read)
    }
}

impl<R: Read + Send> ByteSource for Decompressed<R> {}

/// Returns the error of a read: of the file, of its end, or of the decoder.
pub(super) fn read_error(error: io::Error, within: impl FnOnce() -> String) -> ReadError {
    if error.get_ref().is_some_and(|inner| inner.is::<Expansion>()) {
        return ReadError::Bomb {
            factor: MAX_EXPANSION,
        };
    }
    if error.kind() == io::ErrorKind::UnexpectedEof {
        return ReadError::Truncated { within: within() };
    }
    if error.raw_os_error().is_some() {
        return ReadError::io("the archive", error);
    }
    ReadError::Compression {
        detail: format!("{error}, {}", within()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(bytes: Vec<u8>) -> Result<Vec<u8>, ReadError> {
        let mut source = of_stream("stdin", io::Cursor::new(bytes))?;
        let mut all = Vec::new();
        let read = source.read_to_end(&mut all);
        read.map_err(|error| read_error(error, || "in a test".to_owned()))?;
        Ok(all)
    }

    #[test]
    fn compressed_archives_are_decompressed_frame_by_frame() {
        let mut bytes = zstd::encode_all(&b"first "[..], 3).unwrap();
        bytes.extend(zstd::encode_all(&b"second"[..], 3).unwrap());
        assert_eq!(read_all(bytes.clone()).unwrap(), b"first second");
        assert_eq!(read_all(b"plain".to_vec()).unwrap(), b"plain");
        bytes.truncate(bytes.len() - 2);
        let error = read_all(bytes).unwrap_err();
        assert!(matches!(error, ReadError::Truncated { .. }), "{error}");
    }

    #[test]
    fn bombs_and_other_compressions_are_refused() {
        let zeros = vec![0; (FREE_EXPANSION as usize) + (1 << 20)];
        let bomb = zstd::encode_all(&zeros[..], 3).unwrap();
        assert!(matches!(read_all(bomb), Err(ReadError::Bomb { .. })));
        for (magic, name) in OTHERS {
            let error = read_all(magic.to_vec()).unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
        }
        let error = read_all(Vec::new()).unwrap_err().to_string();
        assert!(error.contains("it is empty"), "{error}");
    }
}
