//! The result of `lock`.

use std::fmt;

use images_list::Lock;
use serde_json::{Value, json};

use super::approve::ApprovalChange;
use crate::cli::failure::Finding;
use crate::files::list_file::ListFile;
use crate::files::list_file::row_json;
use crate::terminal::units::counted;

/// What was approved, what could not be, and how many rows are locked now.
#[derive(Debug, Default)]
pub(crate) struct LockedReport {
    /// New and changed lines, in the order of the lists.
    pub(crate) changes: Vec<ApprovalChange>,
    /// What is not as it should be.
    pub(crate) problems: Vec<Finding>,
    /// How many of the problems are refused credentials.
    pub(crate) refused: usize,
    rows: usize,
    locked: usize,
}

impl LockedReport {
    /// Counts a list's rows, and those that are locked.
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

    /// Adds a problem, and whether it is refused credentials.
    pub(crate) fn add_problem(&mut self, problem: Option<(Finding, bool)>) {
        let Some((finding, refused)) = problem else {
            return;
        };
        self.problems.push(finding);
        self.refused += usize::from(refused);
    }

    /// The JSON: counts, changed lines, problems.
    pub(crate) fn document(&self) -> Value {
        let changes = self.changes.iter().map(|change| {
            let mut row = row_json(&change.row);
            row["digest"] = change.now.digest().as_ref().into();
            row["media_type"] = change.now.media_type().into();
            row["before"] = change
                .before
                .as_ref()
                .map(|before| before.digest().as_ref())
                .into();
            row
        });
        json!({
            "summary": { "rows": self.rows, "locked": self.locked },
            "changed": changes.collect::<Vec<_>>(),
            "problems": self.problems,
        })
    }
}

impl fmt::Display for LockedReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for ApprovalChange { row, before, now } in &self.changes {
            match before {
                None => writeln!(f, "locked   {row} {}", now.digest())?,
                Some(before) => {
                    writeln!(f, "changed  {row} {} -> {}", before.digest(), now.digest())?;
                }
            }
        }
        for problem in &self.problems {
            writeln!(f, "{problem}")?;
        }
        let rows = counted(self.rows, "row");
        writeln!(f, "{} of {rows} locked", self.locked)
    }
}
