//! Where a lock and its list do not go together.

use crate::cli::failure::Finding;
use crate::files::list_file::ListFile;
use crate::files::lock_file::LockFile;
use crate::rows::selection::Globs;

/// Selected rows without a line in the lock, and lines of the lock without a
/// row. Without a lock nothing is locked.
pub(crate) fn gaps(file: &ListFile, lock: Option<&LockFile>, globs: &Globs) -> Vec<Finding> {
    let mut found = Vec::new();
    for at in file.list.rows().filter(|at| globs.select(at.row)) {
        if lock.is_none_or(|lock| lock.lock.get(at.row).is_none()) {
            found.push(Finding {
                file: file.name.clone(),
                line: at.line,
                message: format!("`{}` is not locked: run `mirror lock`", at.row),
            });
        }
    }
    let Some(lock) = lock else { return found };
    for (line, row) in lock.lock.stale(&file.list) {
        if globs.select(row) {
            found.push(Finding {
                file: lock.name.clone(),
                line,
                message: format!(
                    "`{row}` is locked and not in {}: run `mirror lock`, which drops it",
                    file.name
                ),
            });
        }
    }
    found
}
