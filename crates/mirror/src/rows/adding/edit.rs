//! Changes of a list and its lock in memory.

use images_list::{InsertOutcome, List};

use super::{AddOutcome, AddedRow, Checks};
use crate::files::list_file::ListFile;
use crate::files::lock_file::LockFile;

/// A list with added rows.
#[derive(Debug)]
pub(crate) struct ListEdit {
    /// The new text of the list.
    pub(crate) text: String,
    /// The added rows, in the order of the list.
    pub(crate) rows: Vec<AddedRow>,
    /// The lock with the digests of the added rows, if the list has a lock.
    pub(crate) lock: Option<LockEdit>,
}

/// A lock with added lines.
#[derive(Debug)]
pub(crate) struct LockEdit {
    /// The lock.
    pub(crate) file: LockFile,
    /// The new text.
    pub(crate) text: String,
}

impl ListEdit {
    /// Inserts the rows of an outcome that belong to the list with this index.
    pub(crate) fn new(
        file: &ListFile,
        index: usize,
        lock: Option<LockFile>,
        outcome: &AddOutcome,
        checks: &Checks,
    ) -> Self {
        let mut list = file.list.clone();
        let mut new = Vec::new();
        for planned in outcome.rows.iter().filter(|planned| planned.list == index) {
            if let InsertOutcome::Inserted { .. } = list.insert(planned.row.clone()) {
                new.push(&planned.row);
            }
        }
        if outcome.sort && !new.is_empty() {
            list.sort();
        }
        let rows = list.rows().filter(|found| new.contains(&found.row));
        let rows: Vec<_> = rows
            .map(|found| AddedRow {
                row: found.row.clone(),
                location: file.location(found.line),
                verification: checks.verification(found.row).cloned(),
            })
            .collect();
        Self {
            lock: lock.map(|lock| LockEdit::new(lock, &rows, &list, checks)),
            text: list.to_string(),
            rows,
        }
    }
}

impl LockEdit {
    fn new(mut file: LockFile, rows: &[AddedRow], list: &List, checks: &Checks) -> Self {
        for AddedRow { row, .. } in rows {
            if let Some(approved) = checks.approved(row) {
                file.lock.set(row.clone(), approved.clone());
            }
        }
        let text = file.lock.text(list);
        Self { file, text }
    }
}
