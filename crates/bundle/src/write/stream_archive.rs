//! The writing of an archive in the order of its bytes: to a stream, or compressed to files.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::sync::Arc;

use registry_client::ContentHasher;
use tokio::sync::mpsc;
use zstd::stream::read::Decoder;

use super::archive_map::{blob_path, head_bytes};
use super::blob_download::WriteContext;
use super::error::WriteError;
use super::file_archive::blocking;
use super::frames::FrameWriter;
use super::output_files::{OutputFiles, Written, checksum_file};
use super::prefetch::{BufferedChunk, Prefetch};
use super::tar_format::{END, header, padding};
use crate::plan::{ExportPlan, PlannedBlob};

/// Maximum number of pieces between the downloads and the writer.
const QUEUE: usize = 16;
/// The size of a read for a check.
const CHUNK: usize = 256 * 1024;

/// A piece of an archive for the thread that writes.
enum Piece {
    Bytes(Vec<u8>),
    Chunk(BufferedChunk),
    EndOfFrame,
}

/// Writes an archive to a stream.
///
/// # Errors
///
/// [`WriteError`]. The stream then ends early, and has no end of an archive.
pub async fn write_stream(
    plan: Arc<ExportPlan>,
    output: impl Write + Send + 'static,
    context: &WriteContext,
) -> Result<Written, WriteError> {
    let writer = FrameWriter::new(Counted::new(output), false);
    let written = write_in_order(&plan, Start::default(), writer, context).await?;
    Ok(Written {
        files: Vec::new(),
        archive_bytes: written.count,
        downloaded_bytes: plan.download_bytes(),
        resumed_bytes: 0,
    })
}

/// Writes a compressed archive to a file, or to volumes of a size. The frames that an earlier run has
/// written are kept. With `only`, only the volume with this number is written again.
///
/// # Errors
///
/// As [`write_file`](super::write_file).
pub async fn write_compressed_file(
    plan: Arc<ExportPlan>,
    path: &Path,
    (volume_size, only): (Option<u64>, Option<u64>),
    context: &WriteContext,
) -> Result<Written, WriteError> {
    if only.is_none() && (volume_size.is_none() || checksum_file(path).exists()) {
        let complete = OutputFiles::complete(path, volume_size);
        let found = whole_frames(&plan, complete, context).await?;
        if let (
            Start {
                is_complete: true,
                position,
                ..
            },
            files,
        ) = found
        {
            return Ok(Written {
                files: files.complete_paths(position),
                archive_bytes: position,
                downloaded_bytes: 0,
                resumed_bytes: plan.download_bytes(),
            });
        }
    }
    let files = OutputFiles::open_partial(path, volume_size, only)?;
    let (start, files) = match only {
        Some(_) => (Start::default(), Arc::new(files)),
        None => whole_frames(&plan, files, context).await?,
    };
    if only.is_none() {
        files.truncate(start.position)?;
    }
    let (position, resumed) = (start.position, start.blob_bytes);
    let output = FilePosition {
        files: Arc::clone(&files),
        position,
    };
    let writer = FrameWriter::new(Counted::new(output), true);
    let written = write_in_order(&plan, start, writer, context).await?;
    let size = position + written.count;
    let files = blocking(move || match only {
        Some(number) => files.publish_volume(size, number).map(|file| vec![file]),
        None => files.publish(size),
    });
    Ok(Written {
        files: files.await??,
        archive_bytes: size,
        downloaded_bytes: plan.download_bytes() - resumed,
        resumed_bytes: resumed,
    })
}

/// The part of an archive that is there already.
#[derive(Debug, Default)]
struct Start {
    /// Everything before the first blob is there.
    has_head: bool,
    /// The number of blobs that are there.
    blobs: usize,
    /// Their bytes.
    blob_bytes: u64,
    /// The position after them in the file.
    position: u64,
    /// The end of the archive is there too.
    is_complete: bool,
}

async fn write_in_order<W: Write + Send + 'static>(
    plan: &Arc<ExportPlan>,
    start: Start,
    writer: FrameWriter<Counted<W>>,
    context: &WriteContext,
) -> Result<Counted<W>, WriteError> {
    let (pieces, received) = mpsc::channel(QUEUE);
    let writing = tokio::task::spawn_blocking(move || write_pieces(writer, received));
    let sent = send_pieces(plan, start, &pieces, context).await;
    drop(pieces);
    let written = writing.await.map_err(|_| WriteError::Interrupted)?;
    match sent {
        Err(error) => Err(error),
        // The writer has failed if it no longer receives.
        Ok(()) => written,
    }
}

async fn send_pieces(
    plan: &Arc<ExportPlan>,
    start: Start,
    pieces: &mpsc::Sender<Piece>,
    context: &WriteContext,
) -> Result<(), WriteError> {
    if !start.has_head {
        for bytes in head_bytes(plan) {
            if pieces.send(Piece::Bytes(bytes)).await.is_err() {
                return Ok(());
            }
        }
        pieces.send(Piece::EndOfFrame).await.ok();
    }
    let blobs = plan.blobs.get(start.blobs..).unwrap_or_default();
    let mut prefetch = Prefetch::new(blobs, context);
    for blob in blobs {
        prefetch.begin_next();
        let header = header(&blob_path(blob), blob.size);
        pieces.send(Piece::Bytes(header)).await.ok();
        while let Some(chunk) = prefetch.next().await {
            if pieces.send(Piece::Chunk(chunk?)).await.is_err() {
                return Ok(());
            }
        }
        let padding = vec![0; padding(blob.size) as usize];
        pieces.send(Piece::Bytes(padding)).await.ok();
        pieces.send(Piece::EndOfFrame).await.ok();
    }
    pieces.send(Piece::Bytes(END.to_vec())).await.ok();
    Ok(())
}

fn write_pieces<W: Write>(
    mut writer: FrameWriter<Counted<W>>,
    mut pieces: mpsc::Receiver<Piece>,
) -> Result<Counted<W>, WriteError> {
    let mut is_ended = false;
    while let Some(piece) = pieces.blocking_recv() {
        let written = match &piece {
            Piece::Bytes(bytes) => {
                is_ended = bytes == &END;
                writer.write(bytes)
            }
            Piece::Chunk(chunk) => writer.write(&chunk.bytes),
            Piece::EndOfFrame => writer.end_frame(),
        };
        written.map_err(write_error)?;
    }
    // Without the end, the last frame stays incomplete too.
    match is_ended {
        true => writer.finish().map_err(write_error),
        false => Err(WriteError::Interrupted),
    }
}

/// Returns the error of the files, which name theirs, or that of the stream.
fn write_error(error: io::Error) -> WriteError {
    match error.downcast::<WriteError>() {
        Ok(error) => error,
        Err(error) => WriteError::Stream(error),
    }
}

/// A writer that counts its bytes.
#[derive(Debug)]
struct Counted<W> {
    inner: W,
    count: u64,
}

impl<W> Counted<W> {
    fn new(inner: W) -> Self {
        Self { inner, count: 0 }
    }
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.count += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// The files of an archive from a position on.
#[derive(Debug)]
struct FilePosition {
    files: Arc<OutputFiles>,
    position: u64,
}

impl Write for FilePosition {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.files.write_at(bytes, self.position);
        written.map_err(io::Error::other)?;
        self.position += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for FilePosition {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.files.read_some(buffer, self.position);
        self.position += count as u64;
        Ok(count)
    }
}

/// Returns the whole frames at the beginning of the files that belong to the archive.
async fn whole_frames(
    plan: &Arc<ExportPlan>,
    files: OutputFiles,
    context: &WriteContext,
) -> Result<(Start, Arc<OutputFiles>), WriteError> {
    let (plan, stop) = (Arc::clone(plan), context.stop.clone());
    let files = Arc::new(files);
    let reader = FilePosition {
        files: Arc::clone(&files),
        position: 0,
    };
    let frames = move || {
        let mut frames = Frames {
            reader: BufReader::with_capacity(CHUNK, reader),
            start: Start::default(),
        };
        frames.start.has_head =
            frames.next_is(|decoder| head_bytes(&plan).all(|bytes| has_next(decoder, &bytes)));
        for blob in &plan.blobs {
            if !frames.start.has_head || stop.is_cancelled() {
                break;
            }
            if !frames.next_is(|decoder| has_next_blob(decoder, blob)) {
                return frames.start;
            }
            frames.start.blobs += 1;
            frames.start.blob_bytes += blob.size;
        }
        if frames.start.has_head && frames.start.blobs == plan.blobs.len() {
            let whole = frames.start.position;
            let has_end = frames.next_is(|decoder| has_next(decoder, &END));
            let is_last = frames.reader.fill_buf().is_ok_and(<[u8]>::is_empty);
            frames.start.is_complete = has_end && is_last;
            if !frames.start.is_complete {
                frames.start.position = whole;
            }
        }
        frames.start
    };
    let start = blocking(frames).await?;
    if context.stop.is_cancelled() {
        return Err(WriteError::Interrupted);
    }
    Ok((start, files))
}

/// The frames of a file.
struct Frames {
    reader: BufReader<FilePosition>,
    start: Start,
}

impl Frames {
    /// Returns true if the next frame is whole and has the expected content.
    fn next_is(&mut self, check: impl FnOnce(&mut dyn Read) -> bool) -> bool {
        let Ok(decoder) = Decoder::with_buffer(&mut self.reader) else {
            return false;
        };
        let mut decoder = decoder.single_frame();
        let is_expected = check(&mut decoder);
        // The decoder reads the checksum of the frame when it returns the end.
        let is_at_end = matches!(decoder.read(&mut [0]), Ok(0));
        drop(decoder);
        if !is_expected || !is_at_end {
            return false;
        }
        let buffered = self.reader.buffer().len() as u64;
        self.start.position = self.reader.get_ref().position - buffered;
        true
    }
}

fn has_next(reader: &mut dyn Read, expected: &[u8]) -> bool {
    let mut found = vec![0; expected.len()];
    reader.read_exact(&mut found).is_ok() && found == expected
}

fn has_next_blob(reader: &mut dyn Read, blob: &PlannedBlob) -> bool {
    if !has_next(reader, &header(&blob_path(blob), blob.size)) {
        return false;
    }
    let mut check = ContentHasher::for_digest(&blob.digest);
    let mut buffer = vec![0; CHUNK];
    let mut rest = blob.size;
    while rest > 0 {
        let count = usize::try_from(rest).map_or(CHUNK, |rest| rest.min(CHUNK));
        if reader.read_exact(&mut buffer[..count]).is_err() {
            return false;
        }
        check.update(&buffer[..count]);
        rest -= count as u64;
    }
    check.finish() == blob.digest.as_str()
        && has_next(reader, &vec![0; padding(blob.size) as usize])
}
