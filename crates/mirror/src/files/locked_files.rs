//! Advisory locks on lists during a write.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::atomic_file::io_message;
use super::list_file::ListFile;
use crate::cli::failure::Failure;

/// The maximum wait for a list. A run holds the lock for milliseconds.
const DEADLINE: Duration = Duration::from_secs(60);
/// The pause between two attempts.
const PAUSE: Duration = Duration::from_millis(10);

/// Advisory locks (flock) on files. They are released on drop, and when the process ends.
///
/// The lists themselves are locked, so that no lock file is left behind or has to be writable. A
/// write replaces the list by a rename, so that a run that waited for the lock has locked the old
/// file. It then locks the new one.
#[derive(Debug)]
pub(crate) struct LockedFiles {
    // Only kept open.
    _files: Vec<File>,
}

impl LockedFiles {
    /// Locks all lists, in the order of their paths, so that two runs never wait for each other.
    ///
    /// # Errors
    ///
    /// [`Failure`] if a file cannot be opened or locked, or another run keeps its lock.
    pub(crate) async fn lock(lists: &[ListFile]) -> Result<Self, Failure> {
        let until = Instant::now() + DEADLINE;
        let mut paths = Vec::new();
        for list in lists {
            paths.push(real_path(&list.path)?);
        }
        paths.sort();
        paths.dedup();
        let mut files = Vec::new();
        for path in paths {
            files.push(lock(&path, until).await?);
        }
        Ok(Self { _files: files })
    }
}

fn real_path(path: &Path) -> Result<PathBuf, Failure> {
    fs::canonicalize(path).map_err(|error| lock_failure(path, &error))
}

async fn lock(path: &Path, until: Instant) -> Result<File, Failure> {
    loop {
        let file = open(path).map_err(|error| lock_failure(path, &error))?;
        match file.try_lock() {
            Ok(()) if is_current(&file, path) => return Ok(file),
            // The run that held the lock has replaced the file.
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => tokio::time::sleep(PAUSE).await,
            Err(TryLockError::Error(error)) => return Err(lock_failure(path, &error)),
        }
        if Instant::now() > until {
            return Err(Failure::failed(format!(
                "cannot lock {}: another run has held its lock for {} s; nothing was written",
                path.display(),
                DEADLINE.as_secs()
            ))
            .hint("find the process with `fuser` or `lsof`, then run again".to_owned()));
        }
    }
}

/// Opens a file for writing if its mode allows it, since NFS locks no other files.
fn open(path: &Path) -> io::Result<File> {
    let both = OpenOptions::new().read(true).write(true).open(path);
    both.or_else(|_| File::open(path))
}

fn is_current(file: &File, path: &Path) -> bool {
    let identity = |metadata: &fs::Metadata| (metadata.dev(), metadata.ino());
    let (locked, current) = (file.metadata(), fs::metadata(path));
    matches!((locked, current), (Ok(locked), Ok(current)) if identity(&locked) == identity(&current))
}

fn lock_failure(path: &Path, error: &io::Error) -> Failure {
    let message = format!(
        "cannot lock the list {}: {}",
        path.display(),
        io_message(error)
    );
    Failure::unusable(message)
}

#[cfg(test)]
mod tests {
    use images_list::List;
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn lock_is_on_the_current_file_of_the_path() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("list");
        fs::write(&path, "old").unwrap();
        let list = ListFile {
            name: "list".to_owned(),
            path: path.clone(),
            list: List::default(),
            targets: Arc::default(),
        };
        let held = LockedFiles::lock(std::slice::from_ref(&list))
            .await
            .unwrap();
        let other = File::open(&path).unwrap();
        assert!(matches!(other.try_lock(), Err(TryLockError::WouldBlock)));
        let waiting = tokio::spawn(async move {
            let lists = [list];
            LockedFiles::lock(&lists)
                .await
                .map(|_| fs::read_to_string(&lists[0].path).unwrap())
        });
        tokio::time::sleep(PAUSE * 3).await;
        assert!(!waiting.is_finished());
        // The new file has another holder when the lock on the old one is released.
        crate::files::atomic_file::write(&path, b"new").unwrap();
        let first = File::open(&path).unwrap();
        first.try_lock().unwrap();
        drop((held, other));
        tokio::time::sleep(PAUSE * 5).await;
        assert!(!waiting.is_finished());
        drop(first);
        assert_eq!(waiting.await.unwrap().unwrap(), "new");
    }
}
