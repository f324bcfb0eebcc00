//! The output of `lock`.

use std::fmt;

use images_list::Lock;
use serde_json::{Value, json};

use super::approve::ApprovalChange;
use crate::cli::failure::Finding;
use crate::files::list_file::ListFile;
use crate::files::list_file::row_json;
use crate::rows::report_file::Provenance;
use crate::terminal::units::counted;

/// The output of `lock`: text and JSON.
#[derive(Debug, Default)]
pub(crate) struct LockedReport {
    /// The new and changed lines, in the order of the lists.
    pub(crate) changes: Vec<ApprovalChange>,
    /// The rows that are not locked, and invalid lines of locks.
    pub(crate) problems: Vec<Finding>,
    /// The number of problems that are refused credentials.
    pub(crate) refused: usize,
    /// The number of lists whose rows are not counted, since their lock is invalid.
    pub(crate) invalid_locks: usize,
    rows: usize,
    locked: usize,
}

impl LockedReport {
    /// Counts the rows of a list, and the locked ones among them.
    pub(crate) fn add_list(&mut self, file: &ListFile, lock: Option<&Lock>) {
        let is_locked = |lock: &&Lock| {
            file.list
                .rows()
                .filter(|at| lock.get(at.row).is_some())
                .count()
        };
        self.rows += file.list.rows().count();
        self.locked += lock.as_ref().map(is_locked).unwrap_or_default();
    }

    /// Adds a problem. `is_refused` is true for refused credentials.
    pub(crate) fn add_problem(&mut self, finding: Finding, is_refused: bool) {
        self.problems.push(finding);
        self.refused += usize::from(is_refused);
    }

    /// Returns the JSON document.
    pub(crate) fn document(&self, provenance: &Provenance) -> Value {
        let changes = self.changes.iter().map(|change| {
            let mut row = row_json(&change.row);
            row["digest"] = change.now.digest().as_ref().into();
            row["media_type"] = change.now.media_type().into();
            row["before"] = change
                .before
                .as_ref()
                .map(|before| before.digest().as_ref())
                .into();
            row["attached"] = json!(change.attached());
            row
        });
        json!({
            "summary": { "rows": self.rows, "locked": self.locked },
            "tool": provenance.tool,
            "started": provenance.started,
            "changed": changes.collect::<Vec<_>>(),
            "problems": self.problems,
        })
    }
}

impl fmt::Display for LockedReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for change in &self.changes {
            let ApprovalChange { row, before, now } = change;
            match before {
                None => writeln!(f, "locked   {row} {}", now.digest())?,
                Some(before) if before.digest() == now.digest() => writeln!(f, "attached {row}")?,
                Some(before) => {
                    writeln!(f, "changed  {row} {} -> {}", before.digest(), now.digest())?;
                }
            }
            for attached in change.attached() {
                writeln!(f, "         {attached}")?;
            }
        }
        for problem in &self.problems {
            writeln!(f, "{problem}")?;
        }
        let rows = counted(self.rows, "row");
        write!(f, "{} of {rows} locked", self.locked)?;
        match self.invalid_locks {
            0 => writeln!(f),
            invalid => {
                let lists = counted(invalid, "list");
                writeln!(f, "; without the rows of {lists} whose lock is invalid")
            }
        }
    }
}
