//! The files of an archive: one, or volumes that are cut by bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use registry_client::ContentHasher;

use super::early_sync::EarlySync;
use super::error::WriteError;

/// The result of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// The files in the order of their bytes; none for a stream.
    pub files: Vec<PathBuf>,
    /// The size of the archive in bytes.
    pub archive_bytes: u64,
    /// Bytes of blobs that were downloaded.
    pub downloaded_bytes: u64,
    /// Bytes of blobs that an earlier run had written.
    pub resumed_bytes: u64,
}

/// The files of an archive while it is written. They get their names at the end.
#[derive(Debug)]
pub(super) struct OutputFiles {
    path: PathBuf,
    /// `None` for one file.
    volume_size: Option<u64>,
    /// The only bytes that are written.
    window: Option<Range<u64>>,
    /// Files that are complete already keep their names.
    is_partial: bool,
    open: Mutex<BTreeMap<u64, Arc<File>>>,
    sync: EarlySync,
}

/// The suffix of a file that is not complete.
const PARTIAL: &str = ".partial";
/// The size of a read for a check.
const CHUNK: usize = 256 * 1024;

impl OutputFiles {
    /// Opens the files of an archive that is not complete, for this process alone.
    ///
    /// # Errors
    ///
    /// [`WriteError::Busy`], [`WriteError::Io`].
    pub(super) fn open_partial(
        path: &Path,
        volume_size: Option<u64>,
        only: Option<u64>,
    ) -> Result<Self, WriteError> {
        let window = only.zip(volume_size);
        let files = Self {
            path: path.to_owned(),
            volume_size,
            window: window.map(|(number, size)| (number - 1) * size..number * size),
            is_partial: true,
            open: Mutex::default(),
            sync: EarlySync::default(),
        };
        let first = only.map_or(0, |number| number - 1);
        files.adopt_renamed()?;
        let name = files.current_path(first);
        let file = files.file(first, true).map_err(WriteError::io(&name))?;
        match file.try_lock() {
            Ok(()) => Ok(files),
            Err(TryLockError::WouldBlock) => Err(WriteError::Busy { path: name }),
            Err(TryLockError::Error(error)) => Err(WriteError::io(&name)(error)),
        }
    }

    /// Opens the files of a complete archive, to compare them.
    pub(super) fn complete(path: &Path, volume_size: Option<u64>) -> Self {
        Self {
            path: path.to_owned(),
            volume_size,
            window: None,
            is_partial: false,
            open: Mutex::default(),
            sync: EarlySync::default(),
        }
    }

    /// A run that was killed while it gave the volumes their names left some without it.
    fn adopt_renamed(&self) -> Result<(), WriteError> {
        if self.volume_size.is_none() || self.window.is_some() {
            return Ok(());
        }
        let volumes = existing_volumes(&self.path);
        let is_interrupted = volumes.iter().any(|number| {
            let partial = self.partial_path(*number);
            !self.final_path(*number).exists() && partial.exists()
        }) && volumes
            .iter()
            .any(|number| self.final_path(*number).exists());
        for number in volumes.into_iter().filter(|_| is_interrupted) {
            let (complete, partial) = (self.final_path(number), self.partial_path(number));
            if complete.exists() && !partial.exists() {
                fs::rename(&complete, &partial).map_err(WriteError::io(&complete))?;
            }
        }
        Ok(())
    }

    fn final_path(&self, number: u64) -> PathBuf {
        match self.volume_size {
            None => self.path.clone(),
            Some(_) => with_suffix(&self.path, &format!(".{:03}", number + 1)),
        }
    }

    fn partial_path(&self, number: u64) -> PathBuf {
        with_suffix(&self.final_path(number), PARTIAL)
    }

    fn current_path(&self, number: u64) -> PathBuf {
        match self.is_partial {
            true => self.partial_path(number),
            false => self.final_path(number),
        }
    }

    fn file(&self, number: u64, create: bool) -> io::Result<Arc<File>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = open.get(&number) {
            return Ok(Arc::clone(file));
        }
        let mut options = OpenOptions::new();
        options.read(true).write(self.is_partial);
        let file = options
            .create(create && self.is_partial)
            .truncate(false)
            .open(self.current_path(number))?;
        let file = Arc::new(file);
        open.insert(number, Arc::clone(&file));
        Ok(file)
    }

    /// Returns the pieces of a range: the volume, the position in it, and the range of the buffer.
    fn pieces(&self, offset: u64, length: usize) -> Vec<(u64, u64, Range<usize>)> {
        let mut pieces = Vec::new();
        let mut done = 0;
        while done < length {
            let position = offset + done as u64;
            let (number, within, room) = match self.volume_size {
                None => (0, position, u64::MAX),
                Some(size) => (position / size, position % size, size - position % size),
            };
            let rest = (length - done) as u64;
            let count = usize::try_from(rest.min(room)).unwrap_or(length - done);
            pieces.push((number, within, done..done + count));
            done += count;
        }
        pieces
    }

    /// Writes bytes at a position of the archive.
    pub(super) fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), WriteError> {
        for (number, within, range) in self.pieces(offset, bytes.len()) {
            let piece = &bytes[range];
            let volume = self.volume_size.unwrap_or_default() * number;
            if let Some(window) = &self.window
                && !window.contains(&(volume + within))
            {
                continue;
            }
            let written = self.file(number, true);
            let written = written.and_then(|file| file.write_all_at(piece, within));
            written.map_err(WriteError::io(&self.current_path(number)))?;
        }
        Ok(())
    }

    /// Notes bytes that were written. Returns true if [`OutputFiles::sync_early`] is due.
    pub(super) fn note_written(&self, count: usize) -> bool {
        self.sync.note(count)
    }

    /// Syncs what was written so far, while others write on.
    pub(super) fn sync_early(&self) {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let files: Vec<_> = open.values().cloned().collect();
        drop(open);
        self.sync.sync(&files);
    }

    /// Sets the size of a file, and syncs it to disk.
    fn complete_file(&self, number: u64, length: u64) -> Result<(), WriteError> {
        let file = self.file(number, true);
        let synced = file.and_then(|file| self.sync.complete(&file, length));
        synced.map_err(WriteError::io(&self.current_path(number)))
    }

    /// Fills a buffer from a position of the archive. Returns false if the files do not have it.
    pub(super) fn read_at(&self, buffer: &mut [u8], offset: u64) -> bool {
        let pieces = self.pieces(offset, buffer.len());
        pieces.into_iter().all(|(number, within, range)| {
            let file = self.file(number, false);
            file.is_ok_and(|file| file.read_exact_at(&mut buffer[range], within).is_ok())
        })
    }

    /// Reads bytes from a position of the archive, as many as one file has. Returns their number, 0 at the
    /// end.
    pub(super) fn read_some(&self, buffer: &mut [u8], offset: u64) -> usize {
        let first = self.pieces(offset, buffer.len()).into_iter().next();
        let Some((number, within, range)) = first else {
            return 0;
        };
        let read = self.file(number, false);
        read.and_then(|file| file.read_at(&mut buffer[range], within))
            .unwrap_or(0)
    }

    /// Returns true if the files have these bytes at a position.
    pub(super) fn has_at(&self, bytes: &[u8], offset: u64) -> bool {
        let mut found = vec![0; bytes.len()];
        self.read_at(&mut found, offset) && found == bytes
    }

    /// Cuts the archive at a position, and removes what is after it.
    pub(super) fn truncate(&self, size: u64) -> Result<(), WriteError> {
        let last = match self.volume_size {
            None => 0,
            Some(volume) => size.saturating_sub(1) / volume,
        };
        let rest = self.volume_size.map_or(size, |volume| size - last * volume);
        for number in existing_volumes(&self.path) {
            let path = self.partial_path(number);
            if self.volume_size.is_some() && number > last && path.exists() {
                let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
                open.remove(&number);
                fs::remove_file(&path).map_err(WriteError::io(&path))?;
            }
        }
        let path = self.current_path(last);
        let cut = self.file(last, true).and_then(|file| file.set_len(rest));
        cut.map_err(WriteError::io(&path))
    }

    /// Returns true if an archive of a size is complete: no byte is missing or left over.
    pub(super) fn has_size(&self, size: u64) -> bool {
        self.parts(size).into_iter().all(|(number, length)| {
            let found = fs::metadata(self.current_path(number));
            found.is_ok_and(|found| found.len() == length)
        })
    }

    /// Returns the volumes of an archive with their sizes.
    fn parts(&self, size: u64) -> Vec<(u64, u64)> {
        match self.volume_size {
            None => vec![(0, size)],
            Some(volume) => (0..size.div_ceil(volume))
                .map(|number| (number, volume.min(size - number * volume)))
                .collect(),
        }
    }

    /// Returns the names of the files of an archive.
    pub(super) fn complete_paths(&self, size: u64) -> Vec<PathBuf> {
        let parts = self.parts(size).into_iter();
        parts.map(|(number, _)| self.final_path(number)).collect()
    }

    /// Gives the files their names, and writes the checksums of volumes.
    ///
    /// # Errors
    ///
    /// [`WriteError::Io`].
    pub(super) fn publish(&self, size: u64) -> Result<Vec<PathBuf>, WriteError> {
        let parts = self.parts(size);
        for (number, length) in &parts {
            self.complete_file(*number, *length)?;
        }
        let checksums = self.volume_size.map(|_| self.checksums(&parts));
        let checksums = checksums.transpose()?;
        let mut files = Vec::new();
        for (number, _) in &parts {
            let (partial, complete) = (self.partial_path(*number), self.final_path(*number));
            fs::rename(&partial, &complete).map_err(WriteError::io(&complete))?;
            files.push(complete);
        }
        if let Some(checksums) = checksums {
            self.remove_volumes_after(parts.len() as u64)?;
            let path = checksum_file(&self.path);
            write_small(&path, checksums.as_bytes())?;
        }
        sync_directory(&self.path)?;
        Ok(files)
    }

    /// Gives one volume its name, if it is the one that the checksums list.
    ///
    /// # Errors
    ///
    /// [`WriteError::OtherVolume`], [`WriteError::Io`].
    pub(super) fn publish_volume(&self, size: u64, number: u64) -> Result<PathBuf, WriteError> {
        let parts = self.parts(size);
        let index = number - 1;
        let part = parts.get(usize::try_from(index).unwrap_or(usize::MAX));
        let Some((_, length)) = part else {
            let volumes = parts.len() as u64;
            return Err(WriteError::NoVolume { volumes, number });
        };
        let (partial, complete) = (self.partial_path(index), self.final_path(index));
        self.complete_file(index, *length)?;
        let line = self.checksums(&[(index, *length)])?;
        let checksums = checksum_file(&self.path);
        let is_listed = |text: String| text.lines().any(|listed| listed == line.trim_end());
        if fs::read_to_string(&checksums).is_ok_and(|text| !is_listed(text)) {
            fs::remove_file(&partial).ok();
            return Err(WriteError::OtherVolume { number, checksums });
        }
        fs::rename(&partial, &complete).map_err(WriteError::io(&complete))?;
        sync_directory(&self.path)?;
        Ok(complete)
    }

    /// Returns the lines for `sha256sum -c`.
    fn checksums(&self, parts: &[(u64, u64)]) -> Result<String, WriteError> {
        let mut lines = String::new();
        for (number, _) in parts {
            let path = self.current_path(*number);
            let hash = file_hash(&path).map_err(WriteError::io(&path))?;
            let name = self.final_path(*number);
            let name = name.file_name().unwrap_or_default().to_string_lossy();
            lines.push_str(&format!("{hash}  {name}\n"));
        }
        Ok(lines)
    }

    /// Removes the volumes of an earlier, larger archive, which would not belong to this one.
    fn remove_volumes_after(&self, count: u64) -> Result<(), WriteError> {
        for number in existing_volumes(&self.path) {
            if number < count {
                continue;
            }
            for path in [self.final_path(number), self.partial_path(number)] {
                if path.exists() {
                    tracing::info!("removed {}, a volume of an earlier archive", path.display());
                    fs::remove_file(&path).map_err(WriteError::io(&path))?;
                }
            }
        }
        Ok(())
    }
}

/// Returns the file with the checksums of the volumes of an archive.
#[must_use]
pub fn checksum_file(path: &Path) -> PathBuf {
    with_suffix(path, ".sha256")
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// Returns the numbers of the volumes in the directory of an archive, counted from 0.
fn existing_volumes(path: &Path) -> BTreeSet<u64> {
    let prefix = path.file_name().unwrap_or_default().to_string_lossy();
    let prefix = format!("{prefix}.");
    let entries = fs::read_dir(atomic_file::directory_of(path));
    let names = entries.into_iter().flatten().filter_map(Result::ok);
    let numbers = names.filter_map(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        let number = name.strip_prefix(&prefix)?;
        let number = number.strip_suffix(PARTIAL).unwrap_or(number);
        let is_number = number.len() >= 3 && number.bytes().all(|byte| byte.is_ascii_digit());
        let number: u64 = number.parse().ok().filter(|_| is_number)?;
        number.checked_sub(1)
    });
    numbers.collect()
}

fn file_hash(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = ContentHasher::sha256();
    let mut buffer = vec![0; CHUNK];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.finish().trim_start_matches("sha256:").to_owned()),
            count => hasher.update(&buffer[..count]),
        }
    }
}

fn write_small(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    let staged = atomic_file::StagedFile::new(path, bytes, atomic_file::Mode::Keep);
    let written = staged.and_then(atomic_file::StagedFile::commit);
    written.map_err(WriteError::io(path))
}

fn sync_directory(path: &Path) -> Result<(), WriteError> {
    let directory = atomic_file::directory_of(path);
    let synced = File::open(directory).and_then(|directory| directory.sync_all());
    synced.map_err(WriteError::io(directory))
}
