//! The bytes of an archive on their way to a file or stream: as they are, or as frames of zstd.
//!
//! Everything before the first blob is one frame, then each blob is one. Input reaches the encoder in pieces of
//! one size, so the output does not depend on the network.

use std::io::{self, Write};

use zstd::stream::write::Encoder;

/// The compression level. Layers are compressed already.
pub const ZSTD_LEVEL: i32 = 3;
/// The size of the pieces that the encoder receives.
const PIECE: usize = 128 * 1024;

/// Returns the version of the zstd encoder.
#[must_use]
pub fn zstd_version() -> String {
    let number = zstd::zstd_safe::version_number();
    format!(
        "{}.{}.{}",
        number / 10_000,
        number / 100 % 100,
        number % 100
    )
}

/// A writer of an archive, in one frame or many.
pub(super) enum FrameWriter<W: Write> {
    /// Without compression.
    Plain(W),
    /// Between two frames.
    BetweenFrames(W),
    /// Within a frame, with the input that is not yet a whole piece.
    InFrame(Encoder<'static, W>, Vec<u8>),
    /// After a failure.
    Failed,
}

impl<W: Write> FrameWriter<W> {
    pub(super) fn new(writer: W, is_compressed: bool) -> Self {
        match is_compressed {
            true => Self::BetweenFrames(writer),
            false => Self::Plain(writer),
        }
    }

    /// Adds bytes to the current frame, or begins one.
    pub(super) fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        self.begin()?;
        match self {
            Self::Plain(writer) => writer.write_all(bytes),
            Self::InFrame(encoder, rest) => {
                while rest.len() + bytes.len() >= PIECE {
                    let (now, later) = bytes.split_at(PIECE - rest.len());
                    rest.extend_from_slice(now);
                    encoder.write_all(rest)?;
                    rest.clear();
                    bytes = later;
                }
                rest.extend_from_slice(bytes);
                Ok(())
            }
            Self::BetweenFrames(_) | Self::Failed => Err(failed()),
        }
    }

    fn begin(&mut self) -> io::Result<()> {
        if !matches!(self, Self::BetweenFrames(_)) {
            return Ok(());
        }
        let Self::BetweenFrames(writer) = std::mem::replace(self, Self::Failed) else {
            return Err(failed());
        };
        let mut encoder = Encoder::new(writer, ZSTD_LEVEL)?;
        encoder.include_checksum(true)?;
        *self = Self::InFrame(encoder, Vec::with_capacity(PIECE));
        Ok(())
    }

    /// Ends the current frame.
    pub(super) fn end_frame(&mut self) -> io::Result<()> {
        match std::mem::replace(self, Self::Failed) {
            Self::InFrame(mut encoder, rest) => {
                encoder.write_all(&rest)?;
                *self = Self::BetweenFrames(encoder.finish()?);
            }
            other => *self = other,
        }
        Ok(())
    }

    /// Ends the archive.
    pub(super) fn finish(mut self) -> io::Result<W> {
        self.end_frame()?;
        match self {
            Self::Plain(mut writer) | Self::BetweenFrames(mut writer) => {
                writer.flush()?;
                Ok(writer)
            }
            Self::InFrame(..) | Self::Failed => Err(failed()),
        }
    }
}

fn failed() -> io::Error {
    io::Error::other("an earlier write has failed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_does_not_depend_on_the_size_of_the_input() {
        let input: Vec<u8> = (0..3_000_000_u32)
            .flat_map(|n| n.wrapping_mul(n).to_le_bytes())
            .collect();
        let compressed = [1_000, 77_777, PIECE, input.len()].map(|size| {
            let mut writer = FrameWriter::new(Vec::new(), true);
            input
                .chunks(size)
                .for_each(|chunk| writer.write(chunk).unwrap());
            writer.end_frame().unwrap();
            writer.write(b"second").unwrap();
            writer.finish().unwrap()
        });
        assert!(compressed.iter().all(|one| *one == compressed[0]));
        let expected = [&*input, b"second"].concat();
        assert_eq!(zstd::decode_all(&*compressed[0]).unwrap(), expected);
    }
}
