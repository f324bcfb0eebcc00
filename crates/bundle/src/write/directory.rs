//! The writing of an archive as a directory.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use registry_client::ContentHasher;
use tokio::task::JoinSet;

use super::blob_download::{BlobDownload, WriteContext};
use super::error::WriteError;
use super::file_archive::blocking;
use super::output_files::Written;
use crate::contents::{CONTENTS_FILE, MemberFile, MemberPath};
use crate::plan::{ExportPlan, PlannedBlob};

/// The suffix of a file that is not complete.
const PARTIAL: &str = ".partial";
/// The size of a read for a check.
const CHUNK: usize = 256 * 1024;
/// The file that marks a directory whose export is not complete.
const MARKER: &str = "mirror.json.incomplete";

/// Writes an archive as a directory. Blobs that are there already are kept, those of an earlier archive that
/// are not in this one are removed at the end.
///
/// `mirror.json` is written last: a directory without it is not complete.
///
/// # Errors
///
/// [`WriteError`].
pub async fn write_directory(
    plan: Arc<ExportPlan>,
    path: &Path,
    context: &WriteContext,
) -> Result<Written, WriteError> {
    begin(path)?;
    let directory = Arc::new(path.to_owned());
    let (bytes, resumed) = download(&plan, &directory, context).await?;
    let finish = move || finish(&plan, &directory);
    let files = blocking(finish).await??;
    Ok(Written {
        archive_bytes: files.1,
        files: files.0,
        downloaded_bytes: bytes,
        resumed_bytes: resumed,
    })
}

/// Creates the directory, or takes over one with an earlier archive.
fn begin(path: &Path) -> Result<(), WriteError> {
    let io = WriteError::io(path);
    fs::create_dir_all(path).map_err(&io)?;
    let contents = path.join(CONTENTS_FILE);
    let marker = path.join(MARKER);
    let is_empty = fs::read_dir(path).map_err(&io)?.next().is_none();
    if !is_empty && !contents.exists() && !marker.exists() {
        return Err(WriteError::OtherContent {
            path: path.to_owned(),
        });
    }
    // Until the end, the directory is not complete.
    if contents.exists() {
        return fs::rename(&contents, &marker).map_err(WriteError::io(&contents));
    }
    let mut options = OpenOptions::new();
    let marked = options.create(true).append(true).open(&marker);
    marked.map(drop).map_err(WriteError::io(&marker))
}

/// Downloads the blobs that are missing. Returns their bytes, and those of the blobs that were there.
async fn download(
    plan: &Arc<ExportPlan>,
    directory: &Arc<PathBuf>,
    context: &WriteContext,
) -> Result<(u64, u64), WriteError> {
    let mut downloads = JoinSet::new();
    let mut waiting = plan.blobs.iter();
    let (mut bytes, mut resumed, mut failed) = (0, 0, None);
    loop {
        while downloads.len() < context.jobs.max(1)
            && let Some(blob) = waiting.next()
        {
            let (directory, blob) = (Arc::clone(directory), blob.clone());
            let begin = Arc::clone(&context.begin);
            downloads.spawn(async move {
                let file = directory.join(blob.paths[0].to_string());
                let (checked, expected) = (file.clone(), blob.clone());
                if blocking(move || has_blob(&checked, &expected)).await? {
                    return Ok((0, blob.size));
                }
                let download = BlobDownload::new(&blob, &*begin);
                write_blob(&file, download).await?;
                Ok::<_, WriteError>((blob.size, 0))
            });
        }
        let done = tokio::select! {
            biased;
            () = context.stop.cancelled() => return Err(WriteError::Interrupted),
            done = downloads.join_next() => done,
        };
        match done {
            None => return failed.map_or(Ok((bytes, resumed)), Err),
            Some(Ok(Ok((new, old)))) => {
                bytes += new;
                resumed += old;
            }
            Some(Ok(Err(error @ WriteError::Io { .. }))) => return Err(error),
            Some(Ok(Err(error))) => {
                tracing::warn!("{error}");
                failed = failed.or(Some(error));
            }
            Some(Err(_)) => return Err(WriteError::Interrupted),
        }
    }
}

fn has_blob(path: &Path, blob: &PlannedBlob) -> bool {
    // A link could lead elsewhere, so it is replaced.
    let found = fs::symlink_metadata(path);
    if !found.is_ok_and(|found| found.is_file() && found.len() == blob.size) {
        return false;
    }
    let check = || -> io::Result<bool> {
        let mut file = File::open(path)?;
        let mut check = ContentHasher::for_digest(&blob.digest);
        let mut buffer = vec![0; CHUNK];
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok(check.finish() == blob.digest.as_str()),
                count => check.update(&buffer[..count]),
            }
        }
    };
    check().unwrap_or(false)
}

async fn write_blob(path: &Path, mut download: BlobDownload) -> Result<(), WriteError> {
    let partial = partial_path(path);
    let io = || WriteError::io(path);
    create_parent(path)?;
    fs::remove_file(&partial).ok();
    let created = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&partial);
    let mut file = created.map_err(io())?;
    let mut part = Vec::new();
    let mut length = 0;
    loop {
        let chunk = download.next().await?;
        let is_last = chunk.is_none();
        length += chunk.as_ref().map_or(0, bytes::Bytes::len);
        part.extend(chunk);
        if length < CHUNK && !is_last {
            continue;
        }
        length = 0;
        let chunks = std::mem::take(&mut part);
        file = blocking(move || -> io::Result<File> {
            for chunk in chunks {
                file.write_all(&chunk)?;
            }
            Ok(file)
        })
        .await?
        .map_err(io())?;
        if is_last {
            break;
        }
    }
    let synced = blocking(move || file.sync_all()).await?;
    synced.map_err(io())?;
    fs::rename(&partial, path).map_err(io())
}

fn partial_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(PARTIAL);
    name.into()
}

fn create_parent(path: &Path) -> Result<(), WriteError> {
    let parent = atomic_file::directory_of(path);
    fs::create_dir_all(parent).map_err(WriteError::io(parent))
}

/// Writes manifests and documents, removes what is not in the archive, and writes `mirror.json` last. Returns
/// the files and their bytes.
fn finish(plan: &ExportPlan, directory: &Path) -> Result<(Vec<PathBuf>, u64), WriteError> {
    for (paths, stored) in &plan.manifests {
        let bytes = stored.manifest().bytes;
        for path in paths {
            write_file(&directory.join(path.to_string()), &bytes)?;
        }
    }
    for blob in &plan.blobs {
        for path in blob.paths.iter().skip(1) {
            let first = directory.join(blob.paths[0].to_string());
            link_or_copy(&first, &directory.join(path.to_string()))?;
        }
    }
    // A layout is complete when it has its index.
    let documents = plan.documents.iter();
    let (indexes, others): (Vec<_>, Vec<_>) =
        documents.partition(|document| *document.path.file() == MemberFile::Index);
    for document in others.into_iter().chain(indexes) {
        write_file(&directory.join(document.path.to_string()), &document.bytes)?;
    }
    remove_others(plan, directory)?;
    if let Some(signature) = &plan.signature {
        write_file(&directory.join(signature.file), &signature.bytes)?;
    }
    let contents = directory.join(CONTENTS_FILE);
    write_file(&contents, &plan.contents_bytes)?;
    let marker = directory.join(MARKER);
    fs::remove_file(&marker).map_err(WriteError::io(&marker))?;
    let members = plan.contents.members.iter();
    let bytes: u64 = members.map(|member| member.size).sum();
    Ok((
        vec![directory.to_owned()],
        bytes + plan.contents_bytes.len() as u64,
    ))
}

/// Removes members of earlier archives, and incomplete ones, that this archive does not have. Other files stay.
fn remove_others(plan: &ExportPlan, directory: &Path) -> Result<(), WriteError> {
    let members = plan.contents.members.iter();
    let kept: BTreeSet<&MemberPath> = members.map(|member| &member.path).collect();
    let mut pending = vec![(directory.to_owned(), String::new())];
    while let Some((parent, prefix)) = pending.pop() {
        let entries = fs::read_dir(&parent).map_err(WriteError::io(&parent))?;
        for entry in entries {
            let entry = entry.map_err(WriteError::io(&parent))?;
            let kind = entry.file_type().map_err(WriteError::io(&parent))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = format!("{prefix}{name}");
            if kind.is_dir() {
                pending.push((entry.path(), format!("{path}/")));
                continue;
            }
            let member = path.strip_suffix(PARTIAL);
            let is_complete = member.is_none();
            let member: Option<MemberPath> = member.unwrap_or(&path).parse().ok();
            if member.is_some_and(|member| !is_complete || !kept.contains(&member)) {
                let path = entry.path();
                fs::remove_file(&path).map_err(WriteError::io(&path))?;
            }
        }
    }
    Ok(())
}

fn write_file(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    if fs::symlink_metadata(path).is_ok_and(|found| found.is_file())
        && fs::read(path).is_ok_and(|found| found == bytes)
    {
        return Ok(());
    }
    create_parent(path)?;
    let partial = partial_path(path);
    let written = || -> io::Result<()> {
        fs::remove_file(&partial).ok();
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&partial)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&partial, path)
    };
    written().map_err(WriteError::io(path))
}

/// Gives a blob a second path: a hard link, or a copy on file systems without links.
fn link_or_copy(first: &Path, path: &Path) -> Result<(), WriteError> {
    create_parent(path)?;
    let partial = partial_path(path);
    fs::remove_file(&partial).ok();
    let linked = fs::hard_link(first, &partial)
        .or_else(|_| fs::copy(first, &partial).map(drop))
        .and_then(|()| fs::rename(&partial, path));
    linked.map_err(WriteError::io(path))?;
    // A rename onto another link of the same file does nothing.
    fs::remove_file(&partial).ok();
    Ok(())
}
