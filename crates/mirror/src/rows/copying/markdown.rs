//! The report of a run as Markdown, for the step summary of GitHub Actions.

use copier::Status;

use super::report::{ReportRow, RunReport, RunSums};
use crate::terminal::markdown::cell;
use crate::terminal::units::bytes;

/// Maximum rows of the table. GitHub accepts summaries of up to 1 MiB.
const MAX_LINES: usize = 300;

/// Returns the sums, and a table of the rows that were copied, failed or have warnings.
pub(crate) fn summary_table(title: &str, report: &RunReport) -> String {
    let sums = &report.summary;
    let shard = sums.shard.map(|shard| format!(", shard {shard}"));
    let shard = shard.unwrap_or_default();
    let ending = if sums.interrupted {
        " (interrupted)"
    } else {
        ""
    };
    let copied = if sums.dry_run { "would copy" } else { "copied" };
    let mut text = format!(
        "### {title}{shard}{ending}\n\n| rows | {copied} | unchanged | skipped | failed | sent |\n\
         | ---: | ---: | ---: | ---: | ---: | ---: |\n| {} | {} | {} | {} | {} | {} |\n\n",
        sums.rows,
        sums.copied,
        sums.unchanged,
        sums.skipped,
        sums.failed,
        bytes(sums.bytes_copied),
    );
    for shard in &sums.missing_shards {
        text += &format!(
            "**The report of shard {shard} is missing: the sums do not include its rows.**\n\n"
        );
    }
    for entry in &report.entries {
        if let Some(error) = &entry.error {
            let (name, message) = (cell(&entry.entry), cell(&error.message));
            text += &format!("**The followed entry {name} failed:** {message}\n\n");
        }
    }
    text += &vendor_changes(sums);
    let statuses = [
        Status::Failed,
        Status::Copied,
        Status::Unchanged,
        Status::Skipped,
    ];
    let rows = statuses
        .into_iter()
        .flat_map(|status| report.of_status(status));
    let lines: Vec<String> = rows.filter_map(|row| line(report, row)).collect();
    if lines.is_empty() {
        return text;
    }
    text += "| status | source | destination | |\n| --- | --- | --- | --- |\n";
    text.extend(lines.iter().take(MAX_LINES).map(String::as_str));
    if let Some(more) = lines.len().checked_sub(MAX_LINES).filter(|more| *more > 0) {
        text += &format!("\nand {more} more rows in the report\n");
    }
    text + "\n"
}

/// Returns a paragraph with the repositories that were created, and one with those that were described.
fn vendor_changes(sums: &RunSums) -> String {
    let mut text = String::new();
    for (event, repositories) in [("Created", &sums.created), ("Described", &sums.described)] {
        if !repositories.is_empty() {
            let shown = repositories.iter().take(MAX_LINES).map(|name| cell(name));
            let more = repositories.len().saturating_sub(MAX_LINES);
            let more = (more > 0).then(|| format!("and {more} more"));
            let shown: Vec<_> = shown.chain(more).collect();
            text += &format!("{event}: {}\n\n", shown.join(", "));
        }
    }
    text
}

/// Returns the line of a row; `None` for an unchanged or skipped row without notes.
fn line(report: &RunReport, row: &ReportRow) -> Option<String> {
    let mut notes = Vec::new();
    if let Some(digest) = &row.replaced {
        notes.push(format!("was {digest}"));
    }
    if let Some(error) = &row.error {
        notes.push(error.message.clone());
    }
    notes.extend(row.warnings.iter().cloned());
    if let Some(moved) = row.kept() {
        notes.push(format!("{moved}; the approved image was kept"));
        notes.push(row.moved_hint());
    }
    notes.extend(row.attached.lines());
    if row.attached.needs_approval() && row.kept().is_none() {
        notes.push(row.moved_hint());
    }
    notes.extend(row.error.iter().filter_map(|error| error.hint.clone()));
    if row.status != Status::Copied && notes.is_empty() {
        return None;
    }
    Some(format!(
        "| {} | {} | {} | {} |\n",
        report.word(row),
        cell(&row.source_image()),
        cell(&row.destination_image()),
        cell(&notes.join("; "))
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::copying::run::Mode;
    use crate::rows::copying::run::tests::{outcome, run_with};

    #[test]
    fn table_starts_with_failures_and_omits_unchanged_rows() {
        let run = run_with(vec![
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
    fn table_of_a_dry_run_names_what_would_be_copied_and_replaced() {
        let mut replacing = outcome(Status::Copied);
        let digest = format!("sha256:{}", "a".repeat(64));
        replacing.replaced = digest.parse().ok();
        let mut run = run_with(vec![outcome(Status::Copied), replacing]);
        run.mode = Mode::DryRun;
        let table = summary_table("mirror sync", &RunReport::new(&run));
        assert!(
            table.contains("| rows | would copy | unchanged |"),
            "{table}"
        );
        assert!(table.contains("| would copy | q.io/a/0:v1 |"), "{table}");
        let replaced = format!("| would replace | q.io/a/1:v1 | r.io/b/1:v1 | was {digest} |");
        assert!(table.contains(&replaced), "{table}");
        assert!(!table.contains("copied"), "{table}");
    }

    #[test]
    fn created_and_described_repositories_are_above_the_table() {
        let mut run = run_with(vec![outcome(Status::Copied)]);
        run.vendor_changes.created = vec!["r.io/a".to_owned(), "r.io/b".to_owned()];
        run.vendor_changes.described = vec!["docker.io/b/1".to_owned()];
        let table = summary_table("mirror sync", &RunReport::new(&run));
        let want = "Created: r.io/a, r.io/b\n\nDescribed: docker.io/b/1\n\n| status |";
        assert!(table.contains(want), "{table}");
    }

    #[test]
    fn long_table_is_truncated() {
        let run = run_with(vec![outcome(Status::Copied); MAX_LINES + 5]);
        let table = summary_table("mirror sync", &RunReport::new(&run));
        assert!(table.contains("and 5 more rows"), "{table}");
    }
}
