//! The output of `check-new`.

use std::fmt;

use serde_json::{Value, json};

use super::branch_check::{BranchCheck, Status};
use super::list_changes::ChangedRow;
use crate::cli::failure::Finding;
use crate::files::list_file::row_json;
use crate::terminal::markdown::cell;
use crate::terminal::units::counted;

/// The output of `check-new`: text, JSON and a step summary.
#[derive(Debug)]
pub(crate) struct CheckReport<'a> {
    /// The results.
    pub(crate) check: &'a BranchCheck,
    /// The text lists rows without findings too.
    pub(crate) is_verbose: bool,
}

impl CheckReport<'_> {
    /// Returns the JSON document.
    pub(crate) fn document(&self) -> Value {
        let changed_json = |changed: &ChangedRow| {
            let mut row = row_json(&changed.row);
            row["file"] = (*changed.location.file).into();
            row["line"] = changed.location.line.into();
            row
        };
        let added = self.check.rows.iter().map(|checked| {
            let mut row = changed_json(&checked.added);
            row["status"] = checked.status.as_str().into();
            if let Some(verification) = &checked.verification {
                row["verification"] = json!(verification);
            }
            row["message"] = match checked.message.as_str() {
                "" => Value::Null,
                message => message.into(),
            };
            row
        });
        json!({
            "base": self.check.base,
            "added": added.collect::<Vec<_>>(),
            "removed": self.check.removed.iter().map(changed_json).collect::<Vec<_>>(),
            "problems": self.check.problems,
            "passing": self.check.passing,
        })
    }

    /// Returns the Markdown for the step summary of GitHub Actions.
    pub(crate) fn summary(&self) -> String {
        /// Maximum lines in a step summary, which GitHub limits to 1 MiB.
        const LINES: usize = 500;
        let mut text = format!("### mirror check-new\n\n{}\n\n", self.totals());
        let (findings, warnings) = (self.check.findings(), self.check.warnings());
        let findings = findings.iter().map(|finding| ("error", finding));
        let warnings = warnings.iter().map(|finding| ("warning", finding));
        let notes = self.check.notes();
        let notes = notes.iter().map(|finding| ("note", finding));
        let lines: Vec<_> = findings.chain(warnings).chain(notes).take(LINES).collect();
        if !lines.is_empty() {
            text += "| | location | finding |\n| --- | --- | --- |\n";
        }
        for (level, finding) in lines {
            let Finding {
                file,
                line,
                message,
            } = finding;
            text += &format!("| {level} | {}:{line} | {} |\n", cell(file), cell(message));
        }
        text + "\n"
    }

    /// Returns the last line of the text.
    fn totals(&self) -> String {
        let rows = &self.check.rows;
        let count_of = |status| rows.iter().filter(|row| row.status == status).count();
        let mut parts = vec![counted(rows.len(), "new row")];
        for (status, label) in [
            (Status::Ok, "ok"),
            (Status::SourceMissing, "missing at the source"),
            (
                Status::DestinationMissing,
                "without a destination repository",
            ),
            (Status::Rejected, "rejected by the policy"),
            (Status::Error, "not checked because of errors"),
            (Status::Unchecked, "not checked for lack of credentials"),
        ] {
            let count = count_of(status);
            if count > 0 {
                parts.push(format!("{count} {label}"));
            }
        }
        if !self.check.removed.is_empty() {
            parts.push(counted(self.check.removed.len(), "row") + " removed");
        }
        if !self.check.problems.is_empty() {
            parts.push(counted(self.check.problems.len(), "other problem"));
        }
        let base = self.check.base.get(..12).unwrap_or(&self.check.base);
        format!("{} since {base}", parts.join(", "))
    }
}

impl fmt::Display for CheckReport<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in self.check.findings() {
            writeln!(f, "{finding}")?;
        }
        let warnings = self.check.warnings().into_iter();
        let warnings = warnings.map(|warning| ("warning", warning));
        let notes = self.check.notes().into_iter().map(|note| ("note", note));
        for (level, finding) in warnings.chain(notes) {
            let Finding {
                file,
                line,
                message,
            } = finding;
            writeln!(f, "{file}:{line}: {level}: {message}")?;
        }
        if self.is_verbose {
            let rows = self.check.rows.iter();
            for checked in rows.filter(|row| row.status == Status::Ok) {
                let ChangedRow { row, location } = &checked.added;
                writeln!(f, "{location}: ok: {row}")?;
            }
        }
        writeln!(f, "{}", self.totals())
    }
}
