//! The report of a run as text: the rows, then failures with their hints, then one line of sums.

use std::collections::HashSet;
use std::fmt::{self, Display, Formatter};

use copier::Status;

use super::report::{MovedTag, ReportBundle, ReportRow, RunReport};
use crate::rows::followed::ReportEntry;
use crate::terminal::units::{bytes, counted};

/// Maximum copied rows that are listed without `-v`. Rows that replaced other content are listed always.
const MAX_LISTED: usize = 30;

/// The text of a run.
#[derive(Debug)]
pub(crate) struct RunText<'a> {
    report: &'a RunReport,
    all: bool,
}

impl<'a> RunText<'a> {
    /// Creates the text. With `all`, every row is listed.
    pub(crate) fn new(report: &'a RunReport, all: bool) -> Self {
        Self { report, all }
    }

    fn lists(&self, status: Status) -> bool {
        let summary = &self.report.summary;
        match status {
            Status::Failed => true,
            Status::Copied => self.all || summary.dry_run || summary.copied <= MAX_LISTED,
            Status::Unchanged | Status::Skipped => self.all || summary.rows == 1,
        }
    }
}

impl Display for RunText<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for status in [Status::Unchanged, Status::Skipped, Status::Copied] {
            let listed = self.lists(status);
            for row in self.report.of_status(status) {
                if listed || row.replaced.is_some() {
                    self.write_row(f, row)?;
                }
                write_warnings(f, row)?;
            }
        }
        for row in &self.report.rows {
            write_moved(f, row)?;
            self.write_attached(f, row)?;
        }
        let mut printed = HashSet::new();
        for row in self.report.of_status(Status::Failed) {
            write_error(f, "failed", row, &mut printed)?;
            write_warnings(f, row)?;
        }
        for row in self.report.left() {
            write_error(f, "left", row, &mut printed)?;
        }
        for lines in self
            .report
            .entries
            .iter()
            .filter_map(ReportEntry::failure_lines)
        {
            f.write_str(&lines)?;
        }
        let sums = &self.report.summary;
        for repository in &sums.created {
            writeln!(f, "created    {repository}")?;
        }
        for repository in &sums.described {
            writeln!(f, "described  {repository}")?;
        }
        for pulls in &sums.pulls {
            writeln!(f, "pulls      {pulls}")?;
        }
        for shard in &self.report.summary.missing_shards {
            writeln!(
                f,
                "missing    shard {shard}: no report; the sums do not include its rows"
            )?;
        }
        if let Some(bundle) = &self.report.bundle {
            write_bundle(f, bundle, self.report)?;
        }
        writeln!(f, "{}", Sums(self.report))
    }
}

/// Writes the identity of an imported bundle. It is a receipt if everything is there.
fn write_bundle(f: &mut Formatter<'_>, bundle: &ReportBundle, report: &RunReport) -> fmt::Result {
    let sums = &report.summary;
    let ReportBundle {
        identity,
        signature,
        ..
    } = bundle;
    let digits = identity.split_once(':').map_or("", |(_, digits)| digits);
    let receipt: String = digits.chars().take(12).collect();
    let is_complete = sums.failed + sums.skipped == 0 && !sums.dry_run && !sums.interrupted;
    let state = if is_complete { "receipt" } else { "bundle" };
    writeln!(f, "{state:<10} {receipt} ({signature})")
}

impl RunText<'_> {
    /// Writes the attached content that is not as the lock says. Content that was copied is listed
    /// like copied rows.
    fn write_attached(&self, f: &mut Formatter<'_>, row: &ReportRow) -> fmt::Result {
        let attached = &row.attached;
        let needs_approval = attached.needs_approval();
        let with_news = self
            .report
            .rows
            .iter()
            .filter(|row| !row.attached.is_empty());
        if attached.is_empty()
            || !(needs_approval || self.all || with_news.take(MAX_LISTED + 1).count() <= MAX_LISTED)
        {
            return Ok(());
        }
        writeln!(f, "attached   {}", Images(row))?;
        for line in attached.lines() {
            writeln!(f, "           {line}")?;
        }
        if needs_approval {
            let hint = row.moved_hint();
            writeln!(f, "           hint: {hint}")?;
        }
        Ok(())
    }

    fn write_row(&self, f: &mut Formatter<'_>, row: &ReportRow) -> fmt::Result {
        let word = self.report.word(row);
        write!(f, "{word:<9}  {}", Images(row))?;
        if let Some(digest) = &row.replaced {
            write!(f, "  (was {digest})")?;
        }
        match row.bytes_copied {
            0 => writeln!(f),
            sent => writeln!(f, "  {}", bytes(sent)),
        }?;
        match &row.verification {
            Some(verification) => writeln!(f, "           {verification}"),
            None => Ok(()),
        }
    }
}

/// The source and the destination of a row.
struct Images<'a>(&'a ReportRow);

impl Display for Images<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(row) = self;
        write!(f, "{} -> {}", row.source_image(), row.destination_image())
    }
}

fn write_warnings(f: &mut Formatter<'_>, row: &ReportRow) -> fmt::Result {
    for warning in &row.warnings {
        writeln!(f, "warning    {}: {warning}", row.destination_image())?;
    }
    Ok(())
}

/// Writes a row that kept the approved image although its source tag has moved.
fn write_moved(f: &mut Formatter<'_>, row: &ReportRow) -> fmt::Result {
    let Some(MovedTag { approved, now }) = row.kept() else {
        return Ok(());
    };
    let hint = row.moved_hint();
    writeln!(f, "moved      {}", Images(row))?;
    writeln!(f, "           approved digest: {approved} (kept)")?;
    writeln!(f, "           current digest:  {now}")?;
    writeln!(f, "           hint: {hint}")
}

/// Writes a failed row, or one that is left. Each hint is printed once, since many rows can fail for one reason.
fn write_error<'a>(
    f: &mut Formatter<'_>,
    word: &str,
    row: &'a ReportRow,
    printed: &mut HashSet<&'a str>,
) -> fmt::Result {
    writeln!(f, "{word:<9}  {}", Images(row))?;
    if let Some(digest) = &row.replaced {
        writeln!(f, "           replaced: the tag was {digest}")?;
    }
    if let Some(error) = &row.error {
        writeln!(f, "           {}", error.message)?;
        if let Some(hint) = error.hint.as_deref().filter(|hint| printed.insert(hint)) {
            writeln!(f, "           hint: {hint}")?;
        }
    }
    Ok(())
}

/// The line of sums.
struct Sums<'a>(&'a RunReport);

impl Display for Sums<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(report) = self;
        let sums = &report.summary;
        if sums.interrupted {
            write!(f, "interrupted: ")?;
        }
        if let Some(shard) = sums.shard {
            write!(f, "shard {shard}: ")?;
        }
        let copied = if sums.dry_run { "to copy" } else { "copied" };
        write!(f, "{}: {} {copied}", counted(sums.rows, "row"), sums.copied)?;
        match report.replaced() {
            0 => {}
            replaced if sums.dry_run => write!(f, " ({replaced} to replace)")?,
            replaced => write!(f, " ({replaced} replaced)")?,
        }
        write!(f, ", {} unchanged", sums.unchanged)?;
        if sums.skipped > 0 {
            write!(f, ", {} skipped", sums.skipped)?;
        }
        if sums.failed > 0 {
            write!(f, ", {} failed", sums.failed)?;
        }
        f.write_str(&ReportEntry::failed_sum(&report.entries))?;
        let kept = report.rows.iter().filter(|row| row.kept().is_some());
        match kept.count() {
            0 => {}
            moved => write!(f, ", {moved} moved")?,
        }
        match report
            .rows
            .iter()
            .map(|row| row.attached.count())
            .sum::<usize>()
        {
            0 => {}
            changes => write!(f, ", {} of attached content", counted(changes, "change"))?,
        }
        if !sums.dry_run && (sums.blobs_copied, sums.blobs_mounted, sums.blobs_present) != (0, 0, 0)
        {
            write!(
                f,
                "; {} sent ({})",
                counted(sums.blobs_copied, "blob"),
                bytes(sums.bytes_copied)
            )?;
            write!(
                f,
                ", {} mounted, {} present",
                sums.blobs_mounted, sums.blobs_present
            )?;
        }
        write!(
            f,
            "; {} in {:.1} s",
            counted(sums.requests, "request"),
            sums.duration_seconds
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::copying::run::tests::{outcome, run_with};
    use crate::rows::copying::run::{Ending, Mode};

    #[test]
    fn failures_have_their_cause_and_each_hint_once() {
        let mut run = run_with(vec![
            outcome(Status::Failed),
            outcome(Status::Unchanged),
            outcome(Status::Failed),
        ]);
        run.rows[1].outcome.warnings.push("odd".to_owned());
        run.rows[2].row.row.source = run.rows[0].row.row.source.clone();
        let want = "\
warning    r.io/b/1:v1: odd
failed     q.io/a/0:v1 -> r.io/b/0:v1
           the source q.io/a/0:v1 does not exist
           hint: list the tags with `mirror tags q.io/a/0`, then correct or remove the row
failed     q.io/a/0:v1 -> r.io/b/2:v1
           the source q.io/a/0:v1 does not exist
3 rows: 0 copied, 1 unchanged, 2 failed; 7 requests in 1.5 s
";
        let text = RunText::new(&RunReport::new(&run), false).to_string();
        assert_eq!(text, want);
    }

    #[test]
    fn copied_rows_are_listed_up_to_the_limit() {
        let listed = |copied: usize, all| {
            let run = run_with(vec![outcome(Status::Copied); copied]);
            let text = RunText::new(&RunReport::new(&run), all).to_string();
            text.lines()
                .filter(|line| line.starts_with("copied "))
                .count()
        };
        assert_eq!(listed(MAX_LISTED, false), MAX_LISTED);
        assert_eq!(listed(MAX_LISTED + 1, false), 0);
        assert_eq!(listed(MAX_LISTED + 1, true), MAX_LISTED + 1);
    }

    #[test]
    fn dry_run_lists_every_row_and_a_replaced_tag_is_always_listed() {
        let mut rows = vec![outcome(Status::Copied); MAX_LISTED + 1];
        let digest = format!("sha256:{}", "a".repeat(64));
        rows[3].replaced = digest.parse().ok();
        let mut run = run_with(rows);
        let text = RunText::new(&RunReport::new(&run), false).to_string();
        let want = format!(
            "replaced   q.io/a/3:v1 -> r.io/b/3:v1  (was {digest})\n\
             31 rows: 31 copied (1 replaced), 0 unchanged; 7 requests in 1.5 s\n"
        );
        assert_eq!(text, want);
        run.mode = Mode::DryRun;
        let text = RunText::new(&RunReport::new(&run), false).to_string();
        let listed = |word: &str| text.lines().filter(|line| line.starts_with(word)).count();
        assert_eq!(
            (listed("would copy"), listed("would replace")),
            (MAX_LISTED, 1)
        );
        assert!(
            text.contains("31 rows: 31 to copy (1 to replace), "),
            "{text}"
        );
    }

    #[test]
    fn failed_row_reports_the_tag_that_it_replaced() {
        let mut failed = outcome(Status::Failed);
        let digest = format!("sha256:{}", "a".repeat(64));
        failed.replaced = digest.parse().ok();
        let text = RunText::new(&RunReport::new(&run_with(vec![failed])), false).to_string();
        let want = format!("           replaced: the tag was {digest}\n");
        assert!(text.contains(&want), "{text}");
    }

    #[test]
    fn repositories_that_were_created_and_described_are_listed() {
        let mut run = run_with(Vec::new());
        run.vendor_changes.created = vec!["r.io/b/0".to_owned()];
        run.vendor_changes.described = vec!["docker.io/b/1".to_owned()];
        let text = RunText::new(&RunReport::new(&run), false).to_string();
        let want = "created    r.io/b/0\ndescribed  docker.io/b/1\n0 rows: ";
        assert!(text.starts_with(want), "{text}");
    }

    #[test]
    fn text_names_a_dry_run_and_an_interrupt() {
        let mut run = run_with(vec![outcome(Status::Copied), outcome(Status::Skipped)]);
        run.mode = Mode::DryRun;
        run.ending = Ending::Interrupted;
        let text = RunText::new(&RunReport::new(&run), false).to_string();
        assert!(text.starts_with("would copy"), "{text}");
        let last = "interrupted: 2 rows: 1 to copy, 0 unchanged, 1 skipped; 7 requests in 1.5 s\n";
        assert!(text.ends_with(last), "{text}");
    }
}
