//! Syncs to disk while a file is written, so that the end does not wait for all of it.

use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes after which a sync is due.
const INTERVAL: u64 = 64 * 1024 * 1024;

/// The syncs of the files of an archive.
#[derive(Debug, Default)]
pub(super) struct EarlySync {
    /// The number of bytes that were written.
    written: AtomicU64,
    /// Held during a sync. The first error is kept, since the system reports it only once.
    failure: Mutex<Option<io::Error>>,
}

impl EarlySync {
    /// Notes bytes that were written. Returns true if a sync is due.
    pub(super) fn note(&self, count: usize) -> bool {
        let count = count as u64;
        let before = self.written.fetch_add(count, Ordering::Relaxed);
        before / INTERVAL != (before + count) / INTERVAL
    }

    /// Syncs the content of files, while others write on. Does nothing if a sync is going on.
    pub(super) fn sync(&self, files: &[Arc<File>]) {
        let Ok(mut failure) = self.failure.try_lock() else {
            return;
        };
        for file in files {
            if let Err(error) = file.sync_data() {
                failure.get_or_insert(error);
            }
        }
    }

    /// Sets the size of a file, and syncs it.
    ///
    /// # Errors
    ///
    /// The error of this sync or of an earlier one.
    pub(super) fn complete(&self, file: &File, length: u64) -> io::Result<()> {
        // Waits for a sync that is going on.
        let failure = self.failure.lock();
        let mut failure = failure.unwrap_or_else(PoisonError::into_inner);
        file.set_len(length)?;
        file.sync_all()?;
        failure.take().map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sync_is_due_once_in_each_interval() {
        let sync = EarlySync::default();
        let chunk = 40 * 1024 * 1024;
        let due = [chunk; 5].map(|count| sync.note(count));
        assert_eq!(due, [false, true, false, true, true]);
    }

    #[test]
    fn failure_of_an_early_sync_fails_the_file() {
        let sync = EarlySync::default();
        *sync.failure.lock().unwrap() = Some(io::Error::other("lost"));
        let file = tempfile::tempfile().unwrap();
        assert_eq!(sync.complete(&file, 3).unwrap_err().to_string(), "lost");
        assert!(sync.complete(&file, 3).is_ok());
        assert_eq!(file.metadata().unwrap().len(), 3);
    }
}
