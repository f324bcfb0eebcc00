//! The result of `sync` as Markdown, for the summary of a CI step.

use copier::Status;

use super::report::{ReportRow, RunReport};
use crate::terminal::hints;
use crate::terminal::markdown::cell;
use crate::terminal::units::bytes;

/// Rows of the table; a summary may have 1 MiB.
const LINES: usize = 300;

/// The sums, and a table of what was copied, warned of or failed.
pub(crate) fn summary_table(title: &str, report: &RunReport) -> String {
    let sums = &report.summary;
    let shard = sums.shard.map(|shard| format!(", shard {shard}"));
    let shard = shard.unwrap_or_default();
    let ending = if sums.interrupted {
        " (interrupted)"
    } else {
        ""
    };
    let mut text = format!(
        "### {title}{shard}{ending}\n\n| rows | copied | unchanged | skipped | failed | sent |\n\
         | ---: | ---: | ---: | ---: | ---: | ---: |\n| {} | {} | {} | {} | {} | {} |\n\n",
        sums.rows,
        sums.copied,
        sums.unchanged,
        sums.skipped,
        sums.failed,
        bytes(sums.bytes_copied),
    );
    for shard in &sums.missing_shards {
        text += &format!("**Shard {shard} has no report: its rows are not in these sums.**\n\n");
    }
    let statuses = [
        Status::Failed,
        Status::Copied,
        Status::Unchanged,
        Status::Skipped,
    ];
    let rows = statuses
        .into_iter()
        .flat_map(|status| report.of_status(status));
    let lines: Vec<String> = rows.filter_map(line).collect();
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

/// A row that was copied, or of which there is something to say.
fn line(row: &ReportRow) -> Option<String> {
    let mut notes = Vec::new();
    if let Some(error) = &row.error {
        notes.push(error.message.clone());
    }
    notes.extend(row.warnings.iter().cloned());
    if let Some(moved) = row.kept() {
        notes.push(format!("{moved}; what was approved was kept"));
        notes.push(hints::of_moved_tag(&row.source, &row.tag));
    }
    notes.extend(row.error.iter().filter_map(|error| error.hint.clone()));
    if row.status != Status::Copied && notes.is_empty() {
        return None;
    }
    Some(format!(
        "| {} | {} | {} | {} |\n",
        row.status.as_str(),
        cell(&row.source_image()),
        cell(&row.destination_image()),
        cell(&notes.join("; "))
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::copying::run::tests::{outcome, run_of};

    #[test]
    fn failures_come_first_and_unchanged_rows_not_at_all() {
        let run = run_of(vec![
            outcome(Status::Copied),
            outcome(Status::Unchanged),
            outcome(Status::Failed),
        ]);
        let table = summary_table("mirror sync", &RunReport::new(&run));
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
        let table = summary_table("mirror sync", &RunReport::new(&run));
        assert!(table.contains("and 5 more rows"), "{table}");
    }
}
