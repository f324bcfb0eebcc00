//! The output of additions.

use std::fmt;

use image_name::{full_repository, tag_or_digest};
use serde_json::{Value, json};

use super::{AddedRow, Additions};
use crate::files::list_file::row_json;
use crate::terminal::markdown::cell;
use crate::terminal::units::counted;

/// The output of additions: text, JSON and a step summary.
#[derive(Debug)]
pub(crate) struct AddedReport<'a> {
    /// The additions.
    pub(crate) additions: &'a Additions,
    /// The command that made them.
    pub(crate) command: &'static str,
}

impl AddedReport<'_> {
    /// Returns the JSON document.
    pub(crate) fn document(&self) -> Value {
        let added = self.additions.rows.iter().map(|added| {
            let mut row = row_json(&added.row);
            row["file"] = (*added.location.file).into();
            row["line"] = added.location.line.into();
            if let Some(verification) = &added.verification {
                row["verification"] = json!(verification);
            }
            row
        });
        let skipped = self
            .additions
            .outcome
            .skipped
            .iter()
            .map(|(row, location)| {
                let mut row = row_json(row);
                row["message"] = format!("already in {location}").into();
                row
            });
        let problems = self.additions.outcome.problems.iter().map(|found| {
            let image = found.image.source.reference(&found.image.tag);
            json!({
                "source": full_repository(&image),
                "tag": tag_or_digest(&image),
                "message": found.problem.to_string(),
            })
        });
        let mut document = json!({
            "added": added.collect::<Vec<_>>(),
            "skipped": skipped.collect::<Vec<_>>(),
            "problems": problems.collect::<Vec<_>>(),
            "warnings": self.additions.outcome.warnings,
        });
        if let Some(diff) = &self.additions.diff {
            document["dry_run"] = true.into();
            document["diff"] = diff.as_str().into();
        }
        document
    }

    /// Returns the Markdown for the step summary of GitHub Actions.
    pub(crate) fn summary(&self) -> String {
        /// Maximum lines in a step summary, which GitHub limits to 1 MiB.
        const LINES: usize = 500;
        let mut text = format!("### mirror {}\n\n{}\n\n", self.command, self.totals());
        let added = self
            .additions
            .rows
            .iter()
            .map(|added| ("added", with_signer(added)));
        let skipped = self.additions.outcome.skipped.iter();
        let skipped =
            skipped.map(|(row, location)| ("skipped", format!("{row} (already in {location})")));
        let problems = self.additions.outcome.problems.iter();
        let problems =
            problems.map(|found| ("problem", format!("{}: {}", found.image, found.problem)));
        let lines: Vec<_> = problems.chain(added).chain(skipped).take(LINES).collect();
        if !lines.is_empty() {
            text += "| | |\n| --- | --- |\n";
        }
        for (label, line) in lines {
            text += &format!("| {label} | {} |\n", cell(&line));
        }
        text + "\n"
    }

    /// Returns the last line of the text.
    fn totals(&self) -> String {
        let problems = self.additions.outcome.problems.len();
        let rows = counted(self.additions.rows.len(), "row");
        match (&self.additions.diff, self.additions.rows.len(), problems) {
            (_, 0, 0) => "nothing to add: all rows are already in the list".to_owned(),
            (Some(_), 0, _) => format!("nothing would be added: {}", self.problem_count()),
            (None, 0, _) => format!("nothing was added: {}", self.problem_count()),
            (Some(_), _, 0) => format!("{rows} would be added; nothing was written"),
            (Some(_), ..) => format!(
                "{rows} would be added, {} left out; nothing was written",
                self.left_out()
            ),
            (None, _, 0) => format!("{rows} added"),
            (None, ..) => format!("{rows} added, {} left out", self.left_out()),
        }
    }

    fn left_out(&self) -> String {
        let done = self.additions.rows.len() + self.additions.outcome.skipped.len();
        counted(self.additions.requested.saturating_sub(done), "image")
    }

    fn problem_count(&self) -> String {
        let problems = counted(self.additions.outcome.problems.len(), "problem");
        match self.additions.passed {
            0 => problems,
            passed => format!(
                "{problems}; use --keep-going to add the images that passed ({passed} of {})",
                self.additions.requested
            ),
        }
    }

    fn next_step(&self) -> &'static str {
        match (
            self.additions.rows.is_empty() || self.additions.diff.is_some(),
            self.additions.is_new,
        ) {
            (true, _) => "",
            (false, false) => {
                "next: commit the list, run `mirror check-new` and open a pull request\n"
            }
            (false, true) => {
                "next: commit the list and open a pull request; new images need approval (see CONTRIBUTING, \"A new image\")\n"
            }
        }
    }
}

/// Returns an added row with its signer.
fn with_signer(added: &AddedRow) -> String {
    match &added.verification {
        Some(verification) => format!("{} ({verification})", added.row),
        None => added.row.to_string(),
    }
}

impl fmt::Display for AddedReport<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for found in &self.additions.outcome.problems {
            writeln!(f, "{}: {}", found.image, found.problem)?;
        }
        for (row, location) in &self.additions.outcome.skipped {
            writeln!(f, "skipped: `{row}` is already in {location}")?;
        }
        match &self.additions.diff {
            Some(diff) => f.write_str(diff)?,
            None => {
                for AddedRow {
                    row,
                    location,
                    verification,
                } in &self.additions.rows
                {
                    writeln!(f, "{location}: added `{row}`")?;
                    if let Some(verification) = verification {
                        writeln!(f, "  {verification}")?;
                    }
                }
            }
        }
        writeln!(f, "{}", self.totals())?;
        f.write_str(self.next_step())
    }
}
