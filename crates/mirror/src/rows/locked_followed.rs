//! The rows of followed entries as their locks have them, without asking a version source.

use std::sync::Arc;

use super::run_row::ListedRow;
use crate::cli::failure::Failure;
use crate::files::list_file::{ListFile, RowLocation};
use crate::files::lock_file::LockFile;

/// Returns the locked rows of followed entries. They are located in the lock.
///
/// # Errors
///
/// [`Failure`] for a lock that cannot be read or is invalid.
pub(super) fn rows(lists: &[ListFile]) -> Result<Vec<ListedRow>, Failure> {
    let mut rows = Vec::new();
    for (list, file) in lists.iter().enumerate() {
        let Some(lock) = LockFile::read(file)? else {
            continue;
        };
        let name: Arc<str> = lock.name.as_str().into();
        for followed in lock.lock.followed() {
            rows.push(ListedRow {
                list,
                row: followed.row.clone(),
                location: RowLocation {
                    file: Arc::clone(&name),
                    line: lock.lock.line(followed.row).unwrap_or(1),
                },
                entry: Some(followed.entry.clone()),
            });
        }
    }
    Ok(rows)
}
