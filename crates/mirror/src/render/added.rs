//! The result of `add-tag`.

use std::fmt;

use images_list::Row;
use serde_json::{Value, json};
use similar::TextDiff;

use crate::cli::image_name::{full_repository, tag_or_digest};
use crate::rows::adding::{AddedRow, Outcome};
use crate::terminal::github_actions::cell;

/// What was added, what was not, and what to do next.
#[derive(Debug)]
pub(crate) struct AddedReport {
    /// What came of each image.
    pub(crate) outcome: Outcome,
    /// The rows added, or that would be, in the order of the lists.
    pub(crate) rows: Vec<AddedRow>,
    /// What would change, where nothing was to be written.
    pub(crate) diff: Option<String>,
    /// How many images were asked for.
    pub(crate) asked: usize,
    /// How many of them nothing stands against.
    pub(crate) passed: usize,
    /// Whether they are new to the list and need approval.
    pub(crate) is_new: bool,
}

/// The difference between two texts of a file, as `git apply` takes it.
pub(crate) fn unified_diff(name: &str, old: &str, new: &str) -> String {
    let name = name.trim_start_matches("./");
    let (before, after) = if name.starts_with('/') {
        (name.to_owned(), name.to_owned())
    } else {
        (format!("a/{name}"), format!("b/{name}"))
    };
    let diff = TextDiff::from_lines(old, new);
    diff.unified_diff().header(&before, &after).to_string()
}

impl AddedReport {
    /// The JSON of the contract.
    pub(crate) fn document(&self) -> Value {
        let added = self.rows.iter().map(|added| {
            let mut row = row_of(&added.row);
            row["file"] = added.file.as_str().into();
            row["line"] = added.line.into();
            row
        });
        let skipped = self.outcome.skipped.iter().map(|(row, place)| {
            let mut row = row_of(row);
            row["message"] = format!("{place} has it already").into();
            row
        });
        let problems = self.outcome.problems.iter().map(|found| {
            let image = found.pair.source.reference(&found.pair.tag);
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
            "warnings": self.outcome.warnings,
        });
        if let Some(diff) = &self.diff {
            document["dry_run"] = true.into();
            document["diff"] = diff.as_str().into();
        }
        document
    }

    /// What belongs into the summary of a CI step.
    pub(crate) fn summary(&self) -> String {
        /// A summary may have 1 MiB.
        const LINES: usize = 500;
        let mut text = format!("### mirror add-tag\n\n{}\n\n", self.closing());
        let added = self
            .rows
            .iter()
            .map(|added| ("added", added.row.to_string()));
        let skipped = self.outcome.skipped.iter();
        let skipped = skipped.map(|(row, place)| ("skipped", format!("{row} ({place} has it)")));
        let problems = self.outcome.problems.iter();
        let problems =
            problems.map(|found| ("problem", format!("{}: {}", found.pair, found.problem)));
        let lines: Vec<_> = problems.chain(added).chain(skipped).take(LINES).collect();
        if !lines.is_empty() {
            text += "| | |\n| --- | --- |\n";
        }
        for (what, line) in lines {
            text += &format!("| {what} | {} |\n", cell(&line));
        }
        text + "\n"
    }

    /// The sum of it.
    fn closing(&self) -> String {
        let problems = self.outcome.problems.len();
        let rows = counted(self.rows.len(), "row");
        match (&self.diff, self.rows.len(), problems) {
            (_, 0, 0) => "nothing to add: the list has it all".to_owned(),
            (Some(_), 0, _) => format!("nothing would be added: {}", self.obstacles()),
            (None, 0, _) => format!("nothing was added: {}", self.obstacles()),
            (Some(_), _, 0) => format!("{rows} would be added; nothing was written"),
            (Some(_), ..) => format!(
                "{rows} would be added, {} not",
                counted(problems, "problem")
            ),
            (None, _, 0) => format!("{rows} added"),
            (None, ..) => format!("{rows} added; {} left out", self.left_out()),
        }
    }

    fn left_out(&self) -> String {
        let done = self.rows.len() + self.outcome.skipped.len();
        counted(self.asked.saturating_sub(done), "image")
    }

    fn obstacles(&self) -> String {
        let problems = counted(self.outcome.problems.len(), "problem");
        match self.passed {
            0 => problems,
            passed => format!(
                "{problems}; --keep-going adds what passed ({passed} of {})",
                self.asked
            ),
        }
    }

    fn next(&self) -> &'static str {
        match (self.rows.is_empty() || self.diff.is_some(), self.is_new) {
            (true, _) => "",
            (false, false) => {
                "next: commit the list, see with `mirror check-new` what its check will say, and open a pull request\n"
            }
            (false, true) => {
                "next: commit the list and open a pull request; a new image needs approval (CONTRIBUTING, \"A new image\")\n"
            }
        }
    }
}

impl fmt::Display for AddedReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for found in &self.outcome.problems {
            writeln!(f, "{}: {}", found.pair, found.problem)?;
        }
        for (row, place) in &self.outcome.skipped {
            writeln!(f, "skipped: {place} has `{row}` already")?;
        }
        match &self.diff {
            Some(diff) => f.write_str(diff)?,
            None => {
                for added in &self.rows {
                    writeln!(f, "{}:{}: added `{}`", added.file, added.line, added.row)?;
                }
            }
        }
        writeln!(f, "{}", self.closing())?;
        f.write_str(self.next())
    }
}

/// Full names, as everywhere in JSON.
pub(super) fn row_of(row: &Row) -> Value {
    let (source, destination) = (row.source_reference(), row.destination_reference());
    json!({
        "source": full_repository(&source),
        "destination": full_repository(&destination),
        "tag": tag_or_digest(&source),
    })
}

pub(super) fn counted(number: usize, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    }
}
