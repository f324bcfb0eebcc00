//! The result of `sync` and `copy` for a person: what failed and what to do
//! about it first, one line of sums last.

use std::collections::HashSet;
use std::fmt::{self, Display, Formatter};

use copier::{Moved, Outcome, Row, Status};

use super::sizes::{bytes, counted};
use crate::hints;
use crate::run::{Ending, Mode, Run, kept};

/// Rows that are copied are listed where there are no more than this.
const SMALL: usize = 30;

/// The text of a run.
#[derive(Debug)]
pub(crate) struct RunText<'a> {
    run: &'a Run,
    all: bool,
}

impl<'a> RunText<'a> {
    /// The text; `all` lists every row whatever became of it.
    pub(crate) fn of(run: &'a Run, all: bool) -> Self {
        Self { run, all }
    }

    fn lists(&self, status: Status) -> bool {
        let summary = &self.run.report.summary;
        match status {
            Status::Failed => true,
            Status::Copied => self.all || summary.copied <= SMALL,
            Status::Unchanged | Status::Skipped => self.all || summary.rows == 1,
        }
    }

    fn word(&self, status: Status) -> &'static str {
        match (status, self.run.mode) {
            (Status::Copied, Mode::DryRun) => "would copy",
            _ => status.as_str(),
        }
    }
}

impl Display for RunText<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let of = |status| {
            self.run
                .outcomes()
                .filter(move |(_, outcome)| outcome.status == status)
        };
        for status in [Status::Unchanged, Status::Skipped, Status::Copied] {
            let listed = self.lists(status);
            for (row, outcome) in of(status) {
                if listed {
                    self.write_row(f, row, outcome)?;
                }
                write_warnings(f, row, outcome)?;
            }
        }
        for (row, outcome) in self.run.outcomes() {
            write_moved(f, row, outcome)?;
        }
        let mut told = HashSet::new();
        for (row, outcome) in of(Status::Failed) {
            write_failure(f, row, outcome, &mut told)?;
        }
        writeln!(f, "{}", Sums(self.run))
    }
}

impl RunText<'_> {
    fn write_row(&self, f: &mut Formatter<'_>, row: &Row, outcome: &Outcome) -> fmt::Result {
        let word = self.word(outcome.status);
        write!(f, "{word:<9}  {} -> {}", row.source, row.destination)?;
        match outcome.bytes_copied {
            0 => writeln!(f),
            sent => writeln!(f, "  {}", bytes(sent)),
        }
    }
}

fn write_warnings(f: &mut Formatter<'_>, row: &Row, outcome: &Outcome) -> fmt::Result {
    for warning in &outcome.warnings {
        writeln!(f, "warning    {}: {warning}", row.destination)?;
    }
    Ok(())
}

/// A tag that was pushed again and not followed.
fn write_moved(f: &mut Formatter<'_>, row: &Row, outcome: &Outcome) -> fmt::Result {
    let Some(Moved { approved, now }) = kept(outcome) else {
        return Ok(());
    };
    writeln!(f, "moved      {} -> {}", row.source, row.destination)?;
    writeln!(f, "           approved and kept: {approved}")?;
    writeln!(f, "           there now:         {now}")?;
    writeln!(f, "           hint: {}", hints::of_moved(row))
}

/// A hint is given once: a hundred rows may fail for one missing login.
fn write_failure(
    f: &mut Formatter<'_>,
    row: &Row,
    outcome: &Outcome,
    told: &mut HashSet<String>,
) -> fmt::Result {
    writeln!(f, "failed     {} -> {}", row.source, row.destination)?;
    if let Some(error) = &outcome.error {
        writeln!(f, "           {error}")?;
        let hint = hints::of_row(row, error);
        if let Some(hint) = hint.filter(|hint| told.insert(hint.clone())) {
            writeln!(f, "           hint: {hint}")?;
        }
    }
    write_warnings(f, row, outcome)
}

/// The last line.
struct Sums<'a>(&'a Run);

impl Display for Sums<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(run) = self;
        let sums = &run.report.summary;
        if run.ending == Ending::Interrupted {
            write!(f, "interrupted: ")?;
        }
        let copied = match run.mode {
            Mode::Copy => "copied",
            Mode::DryRun => "to copy",
        };
        write!(
            f,
            "{}: {} {copied}",
            counted(sums.rows as u64, "row"),
            sums.copied
        )?;
        write!(f, ", {} unchanged", sums.unchanged)?;
        if sums.skipped > 0 {
            write!(f, ", {} skipped", sums.skipped)?;
        }
        if sums.failed > 0 {
            write!(f, ", {} failed", sums.failed)?;
        }
        let moved = run.outcomes().filter(|(_, row)| kept(row).is_some());
        match moved.count() {
            0 => {}
            moved => write!(f, ", {moved} moved")?,
        }
        if run.mode == Mode::Copy && sums.blobs_copied + sums.blobs_mounted + sums.blobs_present > 0
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
            counted(run.requests, "request"),
            run.duration.as_secs_f64()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::tests::{outcome, run_of};

    #[test]
    fn failures_come_with_cause_and_each_hint_once() {
        let mut run = run_of(vec![
            outcome(Status::Failed),
            outcome(Status::Unchanged),
            outcome(Status::Failed),
        ]);
        run.report.rows[1].warnings.push("odd".to_owned());
        run.rows[2].source = run.rows[0].source.clone();
        let want = "\
warning    r.io/b/1:v1: odd
failed     q.io/a/0:v1 -> r.io/b/0:v1
           the source q.io/a/0:v1 does not exist
           hint: see what there is with `mirror tags q.io/a/0`, and correct or remove the row
failed     q.io/a/0:v1 -> r.io/b/2:v1
           the source q.io/a/0:v1 does not exist
3 rows: 0 copied, 1 unchanged, 2 failed; 7 requests in 1.5 s
";
        assert_eq!(RunText::of(&run, false).to_string(), want);
    }

    #[test]
    fn copied_rows_are_listed_unless_they_are_many() {
        let listed = |copied: usize, all| {
            let run = run_of(vec![outcome(Status::Copied); copied]);
            let text = RunText::of(&run, all).to_string();
            text.lines()
                .filter(|line| line.starts_with("copied "))
                .count()
        };
        assert_eq!(listed(SMALL, false), SMALL);
        assert_eq!(listed(SMALL + 1, false), 0);
        assert_eq!(listed(SMALL + 1, true), SMALL + 1);
    }

    #[test]
    fn a_dry_run_and_an_interrupt_say_so() {
        let mut run = run_of(vec![outcome(Status::Copied), outcome(Status::Skipped)]);
        run.mode = Mode::DryRun;
        run.ending = Ending::Interrupted;
        let text = RunText::of(&run, false).to_string();
        assert!(text.starts_with("would copy"), "{text}");
        let last = "interrupted: 2 rows: 1 to copy, 0 unchanged, 1 skipped; 7 requests in 1.5 s\n";
        assert!(text.ends_with(last), "{text}");
    }
}
