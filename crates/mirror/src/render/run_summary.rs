//! The result of `sync` as Markdown, for the summary of a CI step.

use copier::Status;

use super::sizes::bytes;
use crate::github::cell;
use crate::hints;
use crate::run::{Ending, Run, kept};

/// Rows of the table; a summary may have 1 MiB.
const LINES: usize = 300;

/// The sums, and a table of what was copied, warned of or failed.
pub(crate) fn summary_table(title: &str, run: &Run) -> String {
    let sums = &run.report.summary;
    let ending = match run.ending {
        Ending::Complete => "",
        Ending::Interrupted => " (interrupted)",
    };
    let mut text = format!(
        "### {title}{ending}\n\n| rows | copied | unchanged | skipped | failed | sent |\n\
         | ---: | ---: | ---: | ---: | ---: | ---: |\n| {} | {} | {} | {} | {} | {} |\n\n",
        sums.rows,
        sums.copied,
        sums.unchanged,
        sums.skipped,
        sums.failed,
        bytes(sums.bytes_copied),
    );
    let mut lines = Vec::new();
    for status in [
        Status::Failed,
        Status::Copied,
        Status::Unchanged,
        Status::Skipped,
    ] {
        for (row, outcome) in run
            .outcomes()
            .filter(|(_, outcome)| outcome.status == status)
        {
            let mut notes = outcome.warnings.clone();
            if let Some(moved) = kept(outcome) {
                notes.push(format!("{moved}; what was approved was kept"));
                notes.push(hints::of_moved(row));
            }
            if let Some(error) = &outcome.error {
                notes.insert(0, error.to_string());
                notes.extend(hints::of_row(row, error));
            }
            if status == Status::Copied || !notes.is_empty() {
                let (source, destination) = (row.source.to_string(), row.destination.to_string());
                let notes = cell(&notes.join("; "));
                lines.push(format!(
                    "| {} | {} | {} | {notes} |\n",
                    status.as_str(),
                    cell(&source),
                    cell(&destination)
                ));
            }
        }
    }
    if lines.is_empty() {
        return text;
    }
    text += "| status | source | destination | |\n| --- | --- | --- | --- |\n";
    text.extend(lines.iter().take(LINES).map(String::as_str));
    if let Some(more) = lines.len().checked_sub(LINES).filter(|more| *more > 0) {
        text += &format!("\nand {more} more rows: see the report\n");
    }
    text + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::tests::{outcome, run_of};

    #[test]
    fn failures_come_first_and_unchanged_rows_not_at_all() {
        let run = run_of(vec![
            outcome(Status::Copied),
            outcome(Status::Unchanged),
            outcome(Status::Failed),
        ]);
        let table = summary_table("mirror sync", &run);
        let rows: Vec<_> = table
            .lines()
            .filter(|line| line.contains("q.io/a/"))
            .collect();
        assert_eq!(rows.len(), 2, "{table}");
        assert!(rows[0].starts_with("| failed | q.io/a/2:v1 |"), "{table}");
        assert!(rows[1].starts_with("| copied | q.io/a/0:v1 |"), "{table}");
    }

    #[test]
    fn a_long_table_is_cut() {
        let run = run_of(vec![outcome(Status::Copied); LINES + 5]);
        let table = summary_table("mirror sync", &run);
        assert!(table.contains("and 5 more rows"), "{table}");
    }
}
