//! The writing of an uncompressed archive to files: every member has its final place, so blobs are downloaded
//! concurrently.
//!
//! The header of a blob is written after the blob. So a place with a header has a whole blob, and an interrupted
//! run is continued without a journal.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use registry_client::ContentHasher;
use tokio::task::{JoinHandle, JoinSet};

use super::archive_map::{ArchiveMap, blob_path, head_bytes};
use super::blob_download::{BlobDownload, WriteContext};
use super::error::WriteError;
use super::output_files::{OutputFiles, Written, checksum_file};
use super::tar_format::{END, header, padding};
use crate::plan::{ExportPlan, PlannedBlob};

/// The size of one write: chunks are collected up to it.
const WRITE: usize = 256 * 1024;

/// An archive and its files.
struct FileArchive {
    plan: Arc<ExportPlan>,
    map: ArchiveMap,
    files: Arc<OutputFiles>,
}

/// Writes an archive to a file, or to volumes of a size. What is there already is kept.
///
/// # Errors
///
/// [`WriteError`]. The archive has its name only after success; what was written is used by the next run.
pub async fn write_file(
    plan: Arc<ExportPlan>,
    path: &Path,
    volume_size: Option<u64>,
    context: &WriteContext,
) -> Result<Written, WriteError> {
    let complete = FileArchive::new(&plan, OutputFiles::complete(path, volume_size));
    if let Some(files) = complete.existing_files(context, volume_size, path).await? {
        return Ok(Written {
            files,
            archive_bytes: complete.map.size(),
            downloaded_bytes: 0,
            resumed_bytes: plan.download_bytes(),
        });
    }
    let files = OutputFiles::open_partial(path, volume_size, None)?;
    let archive = FileArchive::new(&plan, files);
    let missing = archive.begin(context).await?;
    let downloaded = archive.download(missing, context).await?;
    archive.files.write_at(&END, archive.map.end)?;
    let (files, size) = (Arc::clone(&archive.files), archive.map.size());
    let files = blocking(move || files.publish(size)).await??;
    Ok(Written {
        files,
        archive_bytes: size,
        downloaded_bytes: downloaded,
        resumed_bytes: plan.download_bytes() - downloaded,
    })
}

/// Writes one volume again, counted from 1, and downloads only the blobs in it.
///
/// # Errors
///
/// [`WriteError`]; [`WriteError::OtherVolume`] if the volume is not the one that the checksums list.
pub async fn write_volume(
    plan: Arc<ExportPlan>,
    path: &Path,
    (volume_size, number): (u64, u64),
    context: &WriteContext,
) -> Result<Written, WriteError> {
    let size = ArchiveMap::new(&plan).size();
    let volumes = size.div_ceil(volume_size);
    if number > volumes {
        return Err(WriteError::NoVolume { volumes, number });
    }
    let files = OutputFiles::open_partial(path, Some(volume_size), Some(number))?;
    let archive = FileArchive::new(&plan, files);
    archive.write_head()?;
    let window = (number - 1) * volume_size..number * volume_size;
    let overlaps = |index: &usize| {
        let start = archive.map.blobs[*index];
        let end = archive.end_of(*index);
        start < window.end && end > window.start
    };
    let missing: Vec<_> = (0..plan.blobs.len()).filter(overlaps).collect();
    let downloaded = archive.download(missing, context).await?;
    archive.files.write_at(&END, archive.map.end)?;
    let files = Arc::clone(&archive.files);
    let file = blocking(move || files.publish_volume(size, number)).await??;
    Ok(Written {
        files: vec![file],
        archive_bytes: size,
        downloaded_bytes: downloaded,
        resumed_bytes: 0,
    })
}

impl FileArchive {
    fn new(plan: &Arc<ExportPlan>, files: OutputFiles) -> Self {
        Self {
            plan: Arc::clone(plan),
            map: ArchiveMap::new(plan),
            files: Arc::new(files),
        }
    }

    /// Returns the files of an earlier run with this archive, if they are whole.
    async fn existing_files(
        &self,
        context: &WriteContext,
        volume_size: Option<u64>,
        path: &Path,
    ) -> Result<Option<Vec<std::path::PathBuf>>, WriteError> {
        let has_checksums = volume_size.is_none() || checksum_file(path).exists();
        if !has_checksums || !self.files.has_size(self.map.size()) || !self.has_head() {
            return Ok(None);
        }
        let missing = self.missing(context).await?;
        let is_whole = missing.is_empty() && self.files.has_at(&END, self.map.end);
        Ok(is_whole.then(|| self.files.complete_paths(self.map.size())))
    }

    /// Writes everything before the first blob, unless the files begin with it. Returns the blobs that
    /// are missing.
    async fn begin(&self, context: &WriteContext) -> Result<Vec<usize>, WriteError> {
        if self.has_head() {
            return self.missing(context).await;
        }
        self.files.truncate(0)?;
        self.write_head()?;
        Ok((0..self.plan.blobs.len()).collect())
    }

    fn has_head(&self) -> bool {
        let mut position = 0;
        head_bytes(&self.plan).all(|bytes| {
            let start = position;
            position += bytes.len() as u64;
            self.files.has_at(&bytes, start)
        })
    }

    fn write_head(&self) -> Result<(), WriteError> {
        let mut position = 0;
        for bytes in head_bytes(&self.plan) {
            self.files.write_at(&bytes, position)?;
            position += bytes.len() as u64;
        }
        Ok(())
    }

    fn end_of(&self, index: usize) -> u64 {
        let next = self.map.blobs.get(index + 1);
        next.copied().unwrap_or(self.map.end)
    }

    /// Returns the blobs that are not in the files, by their digests.
    async fn missing(&self, context: &WriteContext) -> Result<Vec<usize>, WriteError> {
        let mut checks = JoinSet::new();
        let mut missing = Vec::new();
        let threads = std::thread::available_parallelism().map_or(2, |cores| cores.get().min(4));
        for (index, blob) in self.plan.blobs.iter().enumerate() {
            if context.stop.is_cancelled() {
                return Err(WriteError::Interrupted);
            }
            let header = header(&blob_path(blob), blob.size);
            let start = self.map.blobs[index];
            if !self.files.has_at(&header, start) {
                missing.push(index);
                continue;
            }
            while checks.len() >= threads {
                missing.extend(damaged(checks.join_next().await));
            }
            let (files, blob) = (Arc::clone(&self.files), blob.clone());
            let start = start + header.len() as u64;
            checks.spawn_blocking(move || (index, has_blob(&files, &blob, start)));
        }
        while let Some(check) = checks.join_next().await {
            missing.extend(damaged(Some(check)));
        }
        missing.sort_unstable();
        Ok(missing)
    }

    /// Downloads blobs to their places. A blob that fails does not stop the others, so that the next run has
    /// less to do. Returns the bytes.
    async fn download(
        &self,
        missing: Vec<usize>,
        context: &WriteContext,
    ) -> Result<u64, WriteError> {
        let mut downloads = JoinSet::new();
        let mut waiting = missing.into_iter();
        let (mut bytes, mut failed) = (0, None);
        loop {
            while downloads.len() < context.jobs.max(1)
                && let Some(index) = waiting.next()
            {
                let blob = self.plan.blobs[index].clone();
                let download = BlobDownload::new(&blob, &*context.begin);
                let (files, start) = (Arc::clone(&self.files), self.map.blobs[index]);
                downloads.spawn(async move {
                    write_blob(&files, &blob, start, download).await?;
                    Ok::<_, WriteError>(blob.size)
                });
            }
            let done = tokio::select! {
                biased;
                () = context.stop.cancelled() => return Err(WriteError::Interrupted),
                done = downloads.join_next() => done,
            };
            match done {
                None => return failed.map_or(Ok(bytes), Err),
                Some(Ok(Ok(written))) => bytes += written,
                Some(Ok(Err(error @ WriteError::Io { .. }))) => return Err(error),
                Some(Ok(Err(error))) => {
                    tracing::warn!("{error}");
                    failed = failed.or(Some(error));
                }
                Some(Err(_)) => return Err(WriteError::Interrupted),
            }
        }
    }
}

/// Returns the index of a blob that is damaged.
fn damaged(check: Option<Result<(usize, bool), tokio::task::JoinError>>) -> Option<usize> {
    let (index, is_whole) = check?.ok()?;
    (!is_whole).then_some(index)
}

fn has_blob(files: &OutputFiles, blob: &PlannedBlob, start: u64) -> bool {
    let mut check = ContentHasher::for_digest(&blob.digest);
    let mut buffer = vec![0; WRITE];
    let mut read = 0;
    while read < blob.size {
        let count = usize::try_from(blob.size - read).map_or(WRITE, |rest| rest.min(WRITE));
        if !files.read_at(&mut buffer[..count], start + read) {
            return false;
        }
        check.update(&buffer[..count]);
        read += count as u64;
    }
    check.finish() == blob.digest.as_str()
}

/// Writes a blob, and its header last. While one part is written, the next is received.
async fn write_blob(
    files: &Arc<OutputFiles>,
    blob: &PlannedBlob,
    start: u64,
    mut download: BlobDownload,
) -> Result<(), WriteError> {
    let header = header(&blob_path(blob), blob.size);
    let mut position = start + header.len() as u64;
    let mut part: Vec<Bytes> = Vec::new();
    let mut length = 0;
    let mut writing: Option<JoinHandle<Result<(), WriteError>>> = None;
    loop {
        let chunk = download.next().await?;
        let is_last = chunk.is_none();
        length += chunk.as_ref().map_or(0, Bytes::len);
        part.extend(chunk);
        if length < WRITE && !is_last {
            continue;
        }
        if let Some(writing) = writing.take() {
            writing.await.map_err(|_| WriteError::Interrupted)??;
        }
        if is_last {
            part.push(vec![0; padding(blob.size) as usize].into());
        }
        let (target, chunks, offset) = (Arc::clone(files), std::mem::take(&mut part), position);
        position += length as u64;
        length = 0;
        let write = move || write_chunks(&target, &chunks, offset);
        writing = Some(tokio::task::spawn_blocking(write));
        if is_last {
            break;
        }
    }
    if let Some(writing) = writing {
        writing.await.map_err(|_| WriteError::Interrupted)??;
    }
    files.write_at(&header, start)
}

fn write_chunks(
    files: &Arc<OutputFiles>,
    chunks: &[Bytes],
    mut offset: u64,
) -> Result<(), WriteError> {
    for chunk in chunks {
        files.write_at(chunk, offset)?;
        offset += chunk.len() as u64;
        if files.note_written(chunk.len()) {
            let files = Arc::clone(files);
            tokio::task::spawn_blocking(move || files.sync_early());
        }
    }
    Ok(())
}

/// Runs work that reads or writes much on another thread.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, WriteError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| WriteError::Interrupted)
}
