//! The result of `check-new`.

use std::fmt;

use serde_json::{Value, json};

use super::change::Changed;
use super::findings::{Checked, Status};
use crate::cli::failure::Finding;
use crate::files::list_file::row_json;
use crate::terminal::markdown::cell;
use crate::terminal::units::counted;

/// What was found, for people and machines.
#[derive(Debug)]
pub(crate) struct CheckedReport<'a> {
    /// The findings.
    pub(crate) checked: &'a Checked,
    /// Whether rows that are well are listed too.
    pub(crate) is_verbose: bool,
}

impl CheckedReport<'_> {
    /// The JSON of the contract.
    pub(crate) fn document(&self) -> Value {
        let placed = |at: &Changed| {
            let mut row = row_json(&at.row);
            row["file"] = at.file.as_str().into();
            row["line"] = at.line.into();
            row
        };
        let added = self.checked.rows.iter().map(|checked| {
            let mut row = placed(&checked.at);
            row["status"] = checked.status.as_str().into();
            row["message"] = match checked.status {
                Status::Ok => Value::Null,
                _ => checked.message.as_str().into(),
            };
            row
        });
        json!({
            "base": self.checked.base,
            "added": added.collect::<Vec<_>>(),
            "removed": self.checked.removed.iter().map(placed).collect::<Vec<_>>(),
            "problems": self.checked.problems,
        })
    }

    /// What belongs into the summary of a CI step.
    pub(crate) fn summary(&self) -> String {
        /// A summary may have 1 MiB.
        const LINES: usize = 500;
        let mut text = format!("### mirror check-new\n\n{}\n\n", self.closing());
        let (findings, warnings) = (self.checked.findings(), self.checked.warnings());
        let findings = findings.iter().map(|finding| ("error", finding));
        let warnings = warnings.iter().map(|finding| ("warning", finding));
        let lines: Vec<_> = findings.chain(warnings).take(LINES).collect();
        if !lines.is_empty() {
            text += "| | place | finding |\n| --- | --- | --- |\n";
        }
        for (
            level,
            Finding {
                file,
                line,
                message,
            },
        ) in lines
        {
            text += &format!("| {level} | {}:{line} | {} |\n", cell(file), cell(message));
        }
        text + "\n"
    }

    /// The sum of it.
    fn closing(&self) -> String {
        let rows = &self.checked.rows;
        let with = |status| rows.iter().filter(|row| row.status == status).count();
        let mut parts = vec![counted(rows.len(), "new row")];
        for (status, what) in [
            (Status::Ok, "ok"),
            (Status::SourceMissing, "missing at the source"),
            (
                Status::DestinationMissing,
                "without a destination repository",
            ),
            (Status::Error, "that registries did not answer for"),
            (Status::Unchecked, "not checked for lack of credentials"),
        ] {
            let number = with(status);
            if number > 0 {
                parts.push(format!("{number} {what}"));
            }
        }
        if !self.checked.removed.is_empty() {
            parts.push(counted(self.checked.removed.len(), "row") + " removed");
        }
        if !self.checked.problems.is_empty() {
            parts.push(counted(self.checked.problems.len(), "problem") + " of form");
        }
        let base = self.checked.base.get(..12).unwrap_or(&self.checked.base);
        format!("{} since {base}", parts.join(", "))
    }
}

impl fmt::Display for CheckedReport<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in self.checked.findings() {
            writeln!(f, "{finding}")?;
        }
        for Finding {
            file,
            line,
            message,
        } in self.checked.warnings()
        {
            writeln!(f, "{file}:{line}: warning: {message}")?;
        }
        if self.is_verbose {
            let well = self
                .checked
                .rows
                .iter()
                .filter(|row| row.status == Status::Ok);
            for row in well {
                let Changed { row, file, line } = &row.at;
                writeln!(f, "{file}:{line}: ok: {row}")?;
            }
        }
        writeln!(f, "{}", self.closing())
    }
}
