//! Lists that nobody else adds to for the moment.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::atomic_file::plain;
use super::list_file::ListFile;
use crate::cli::failure::Failure;

/// How long a list may be held by others. One holds it for milliseconds.
const DEADLINE: Duration = Duration::from_secs(60);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(10);

/// Advisory locks (flock) on files, released when this is dropped, or when the
/// process ends in whatever way.
///
/// The lists themselves are locked, not files beside them: nothing is left
/// over, and no further file need be writable. A list is replaced by a rename,
/// so the lock is on the file that was at the path; whoever waited for it finds
/// another file there, and locks that.
#[derive(Debug)]
pub(crate) struct LockedFiles {
    // Held, never read.
    _files: Vec<File>,
}

impl LockedFiles {
    /// Locks all lists, in the same order whatever the order of naming, so
    /// that no two runs wait for each other.
    ///
    /// # Errors
    ///
    /// [`Failure`] where a file cannot be opened or locked, or somebody else
    /// does not let go of it.
    pub(crate) async fn lock(lists: &[ListFile]) -> Result<Self, Failure> {
        let until = Instant::now() + DEADLINE;
        let mut paths = Vec::new();
        for list in lists {
            paths.push(real(&list.path)?);
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

fn real(path: &Path) -> Result<PathBuf, Failure> {
    fs::canonicalize(path).map_err(|error| cannot(path, &error))
}

async fn lock(path: &Path, until: Instant) -> Result<File, Failure> {
    loop {
        let file = open(path).map_err(|error| cannot(path, &error))?;
        match file.try_lock() {
            Ok(()) if is_still_there(&file, path) => return Ok(file),
            // Replaced by the one who had the lock.
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => tokio::time::sleep(PAUSE).await,
            Err(TryLockError::Error(error)) => return Err(cannot(path, &error)),
        }
        if Instant::now() > until {
            return Err(Failure::failed(format!(
                "another run has been writing {} for {} s; nothing was written",
                path.display(),
                DEADLINE.as_secs()
            ))
            .hint("see who it is with `fuser` or `lsof`, and run this again".to_owned()));
        }
    }
}

/// For writing where that is allowed: NFS locks nothing else.
fn open(path: &Path) -> io::Result<File> {
    let both = OpenOptions::new().read(true).write(true).open(path);
    both.or_else(|_| File::open(path))
}

fn is_still_there(file: &File, path: &Path) -> bool {
    let identity = |metadata: &fs::Metadata| (metadata.dev(), metadata.ino());
    let (held, there) = (file.metadata(), fs::metadata(path));
    matches!((held, there), (Ok(held), Ok(there)) if identity(&held) == identity(&there))
}

fn cannot(path: &Path, error: &io::Error) -> Failure {
    let message = format!("cannot lock the list {}: {}", path.display(), plain(error));
    Failure::unusable(message)
}

#[cfg(test)]
mod tests {
    use images_list::List;

    use super::*;

    #[tokio::test]
    async fn a_lock_is_on_the_file_that_is_there_now() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list");
        fs::write(&path, "old").unwrap();
        let list = ListFile {
            name: "list".to_owned(),
            path: path.clone(),
            list: List::default(),
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
        // Whoever is first at the new file has it, although the old one is let go.
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
