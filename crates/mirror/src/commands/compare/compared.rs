//! The comparison of the selected rows.

use copier::{CompareStatus, CompareSummary, Comparison};

use super::verification::CopyVerification;
use crate::cli::exit::Exit;
use crate::cli::failure::Finding;
use crate::rows::copying::run::Ending;
use crate::rows::followed::ReportEntry;
use crate::rows::report_file::Provenance;
use crate::rows::selection::RunRow;
use crate::rows::shard::Shard;
use crate::terminal::hints;

/// The comparison of the selected rows.
#[derive(Debug)]
pub(crate) struct CompareRun {
    /// The compared rows.
    pub(crate) rows: Vec<ComparedRow>,
    /// The number of rows by status.
    pub(crate) summary: CompareSummary,
    /// The program, and the start of the comparison.
    pub(crate) provenance: Provenance,
    /// The ending: completed or interrupted.
    pub(crate) ending: Ending,
    /// The shard of `--shard`.
    pub(crate) shard: Option<Shard>,
    /// The followed entries.
    pub(crate) entries: Vec<ReportEntry>,
    /// The findings of followed entries that failed.
    pub(crate) entry_findings: Vec<Finding>,
}

/// A row and its comparison.
#[derive(Debug)]
pub(crate) struct ComparedRow {
    /// The row.
    pub(crate) row: RunRow,
    /// The comparison.
    pub(crate) comparison: Comparison,
    /// The decision of the policy about the copy, with `--verify` and a copy.
    pub(crate) verification: Option<CopyVerification>,
}

impl CompareRun {
    /// Returns the exit status: refused if every row that differs was refused credentials.
    pub(super) fn exit(&self) -> Exit {
        if self.ending == Ending::Interrupted {
            return Exit::Interrupted;
        }
        let comparisons = self.rows.iter().map(|row| &row.comparison);
        let different = comparisons.filter(|row| row.status != CompareStatus::Same);
        let refused = different.clone().filter(|row| {
            let error = row.error.as_ref().and_then(|error| error.request_error());
            error.is_some_and(registry_client::Error::is_refused)
        });
        let (failed_entries, refused_entries) = ReportEntry::failures(&self.entries);
        let unverified = self.rows.iter().filter(|row| {
            row.comparison.status == CompareStatus::Same && row.verification_problem().is_some()
        });
        let different = different.count() + failed_entries + unverified.count();
        match (different, refused.count() + refused_entries) {
            (0, _) => Exit::Done,
            (different, refused) if different == refused => Exit::Refused,
            _ => Exit::Failed,
        }
    }

    /// Returns a finding for each row that differs, and for each followed entry that failed.
    pub(super) fn findings(&self) -> Vec<Finding> {
        let rows = self.rows.iter().filter_map(ComparedRow::finding);
        let unverified = self.rows.iter().filter_map(ComparedRow::unverified);
        rows.chain(unverified)
            .chain(self.entry_findings.iter().cloned())
            .collect()
    }
}

impl ComparedRow {
    /// Returns the reason why the copy is not verified.
    pub(super) fn verification_problem(&self) -> Option<&str> {
        self.verification.as_ref()?.problem()
    }

    fn unverified(&self) -> Option<Finding> {
        let problem = self.verification_problem()?;
        let message = format!("{}: {problem}", self.row.row.destination);
        self.row.finding(message)
    }

    fn finding(&self) -> Option<Finding> {
        let row = &self.row.row;
        let message = match self.comparison.status {
            CompareStatus::Same | CompareStatus::Skipped => return None,
            CompareStatus::Drift => format!("{} differs from {}", row.destination, row.source),
            CompareStatus::Missing => format!("{} is missing or incomplete", row.destination),
            CompareStatus::Error => {
                let error = self.comparison.error.as_ref()?;
                let hint = hints::for_comparison(row, error).map(|hint| format!(" ({hint})"));
                error.message(row) + &hint.unwrap_or_default()
            }
        };
        self.row.finding(message)
    }
}
