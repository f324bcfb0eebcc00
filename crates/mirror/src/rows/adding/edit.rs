//! Rows entered into a list and its lock, in memory.

use images_list::{InsertOutcome, List};

use super::{AddOutcome, AddedRow, Checks};
use crate::files::list_file::ListFile;
use crate::files::lock_file::LockFile;

/// A list with further rows.
#[derive(Debug)]
pub(crate) struct ListEdit {
    /// The list's new text.
    pub(crate) text: String,
    /// The rows that are new in it, in its order.
    pub(crate) rows: Vec<AddedRow>,
    /// The lock, where the list has one, with what the checks saw of them.
    pub(crate) lock: Option<LockEdit>,
}

/// A lock with further lines.
#[derive(Debug)]
pub(crate) struct LockEdit {
    /// The lock.
    pub(crate) file: LockFile,
    /// Its new text.
    pub(crate) text: String,
}

impl ListEdit {
    /// Enters those of an outcome's rows that are for the list at place `at`.
    pub(crate) fn new(
        file: &ListFile,
        at: usize,
        lock: Option<LockFile>,
        outcome: &AddOutcome,
        checks: &Checks,
    ) -> Self {
        let mut list = file.list.clone();
        let mut new = Vec::new();
        for planned in outcome.rows.iter().filter(|planned| planned.list == at) {
            if let InsertOutcome::Inserted { .. } = list.insert(planned.row.clone()) {
                new.push(&planned.row);
            }
        }
        let rows = list.rows().filter(|found| new.contains(&found.row));
        let rows: Vec<_> = rows
            .map(|found| AddedRow {
                row: found.row.clone(),
                file: file.name.clone(),
                line: found.line,
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
