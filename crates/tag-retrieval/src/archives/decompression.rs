//! Decompression of archives, by their first bytes and within a limit.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;

/// The first bytes of gzip data.
pub(crate) const GZIP: [u8; 2] = [0x1f, 0x8b];
/// The first bytes of a Zstandard frame.
pub(crate) const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Maximum window of a Zstandard frame, as a power of two: 128 MiB, as for the `zstd` program.
const MAX_WINDOW_LOG: u32 = 27;

/// Returns a reader of decompressed data: gzip, Zstandard, or data as it is. Reading more than `limit`
/// bytes is an error.
///
/// # Errors
///
/// [`io::Error`] if the first bytes cannot be read.
pub(crate) fn decompressed<'a>(data: impl Read + 'a, limit: u64) -> io::Result<Box<dyn Read + 'a>> {
    let mut data = BufReader::with_capacity(64 * 1024, data);
    let start = data.fill_buf()?;
    let data: Box<dyn Read> = if start.starts_with(&GZIP) {
        Box::new(MultiGzDecoder::new(data))
    } else if start.starts_with(&ZSTD) {
        let mut decoder = zstd::stream::read::Decoder::with_buffer(data)?;
        decoder.window_log_max(MAX_WINDOW_LOG)?;
        Box::new(decoder)
    } else {
        Box::new(data)
    };
    Ok(Box::new(Limited {
        data,
        limit,
        rest: limit,
    }))
}

/// A reader with a maximum number of bytes.
struct Limited<R> {
    data: R,
    limit: u64,
    rest: u64,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.data.read(buffer)?;
        self.rest = self.rest.checked_sub(count as u64).ok_or_else(|| {
            let message = format!(
                "the archive has more than {} MiB",
                self.limit / (1024 * 1024)
            );
            io::Error::new(io::ErrorKind::InvalidData, message)
        })?;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn read(data: &[u8], limit: u64) -> io::Result<String> {
        let mut text = String::new();
        decompressed(data, limit)?.read_to_string(&mut text)?;
        Ok(text)
    }

    #[test]
    fn data_is_decompressed_within_the_limit() {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(b"text").unwrap();
        let zstd = zstd::encode_all(&b"text"[..], 1).unwrap();
        for data in [gzip.finish().unwrap(), zstd, b"text".to_vec()] {
            assert_eq!(read(&data, 4).unwrap(), "text");
            let error = read(&data, 3).unwrap_err().to_string();
            assert_eq!(error, "the archive has more than 0 MiB");
        }
        assert_eq!(read(b"", 0).unwrap(), "");
        assert!(read(&[0x1f, 0x8b, 0, 0], 9).is_err());
    }
}
