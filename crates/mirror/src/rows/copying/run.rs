//! A run of the copying engine.

use std::sync::Arc;
use std::time::Duration;

use copier::{Moved, Outcome, Status, Summary, VendorChanges};
use images_list::Signer;
use registry_client::HostPulls;
use tokio_util::sync::CancellationToken;

use super::attached::ReportAttached;
use crate::cli::failure::Finding;
use crate::registries::signature_check::SignatureCheck;
use crate::rows::followed::ReportEntry;
use crate::rows::report_file::Provenance;
use crate::rows::selection::RunRow;
use crate::rows::shard::Shard;
use crate::terminal::hints;

/// The result of a run.
#[derive(Debug)]
pub(crate) struct CopyRun {
    /// The rows with their outcomes.
    pub(crate) rows: Vec<CopiedRow>,
    /// The sums.
    pub(crate) summary: Summary,
    /// The followed entries.
    pub(crate) entries: Vec<ReportEntry>,
    /// The findings of followed entries that failed.
    pub(crate) entry_findings: Vec<Finding>,
    /// The number of HTTP requests.
    pub(crate) requests: u64,
    /// The pulls from hosts with a quota or a maximum.
    pub(crate) pulls: Vec<HostPulls>,
    /// The repositories that were created or described at vendors' APIs.
    pub(crate) vendor_changes: VendorChanges,
    /// The time from the first request to the last response.
    pub(crate) duration: Duration,
    /// The program, and the start of the run.
    pub(crate) provenance: Provenance,
    /// The mode of the run.
    pub(crate) mode: Mode,
    /// The end of the run.
    pub(crate) ending: Ending,
    /// The shard, if the rows are those of one.
    pub(crate) shard: Option<Shard>,
    /// The policy with its decisions.
    pub(crate) signatures: Option<Arc<SignatureCheck>>,
}

/// A row and its outcome.
#[derive(Debug)]
pub(crate) struct CopiedRow {
    /// The row.
    pub(crate) row: Box<RunRow>,
    /// The outcome.
    pub(crate) outcome: Outcome,
}

/// The mode of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Images are copied.
    Copy,
    /// Images to copy are only reported.
    DryRun,
}

/// The end of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Every row has its outcome.
    Complete,
    /// A signal ended the run early.
    Interrupted,
}

impl Ending {
    /// Returns [`Ending::Interrupted`] if a signal has cancelled the token.
    pub(crate) fn new(stop: &CancellationToken) -> Self {
        if stop.is_cancelled() {
            Self::Interrupted
        } else {
            Self::Complete
        }
    }
}

impl CopyRun {
    /// Returns the signer of the image of a row, if the policy let it enter for a signature.
    pub(crate) fn signer(&self, CopiedRow { row, outcome }: &CopiedRow) -> Option<Signer> {
        let (signatures, digest) = self.signatures.as_ref().zip(outcome.admitted.as_ref())?;
        let verification = signatures.verification(&row.row.source, digest)?;
        verification.signed_by.parse().ok()
    }

    /// Returns a finding for each failed row, and for each followed entry that failed.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        let failed = self.rows.iter().filter_map(|CopiedRow { row, outcome }| {
            let error = outcome.error.as_ref();
            let error = error.filter(|_| outcome.status == Status::Failed)?;
            let hint = row.hint(error).map(|hint| format!(" ({hint})"));
            let hint = hint.unwrap_or_default();
            row.finding(row.message(error) + &hint)
        });
        failed.chain(self.entry_findings.iter().cloned()).collect()
    }

    /// Returns a finding for each row that kept the approved image although its source tag has moved,
    /// and for each with attached content that needs an approval.
    pub(crate) fn warnings(&self) -> Vec<Finding> {
        let attached = self.rows.iter().filter_map(|CopiedRow { row, outcome }| {
            let attached = ReportAttached::new(outcome.attached());
            let lines = attached.lines().collect::<Vec<_>>().join("; ");
            let hint = hints::for_moved_row(&row.row);
            let finding = || row.finding(format!("{}: {lines} ({hint})", row.row.source));
            attached.needs_approval().then(finding)?
        });
        let moved = self.rows.iter().filter_map(|CopiedRow { row, outcome }| {
            let moved = kept(outcome)?;
            let hint = hints::for_moved_row(&row.row);
            let source = &row.row.source;
            row.finding(format!(
                "{source}: {moved}; the approved image was kept ({hint})"
            ))
        });
        moved.chain(attached).collect()
    }
}

/// Returns the digests of a moved source tag if the row kept the approved image.
fn kept(outcome: &Outcome) -> Option<&Moved> {
    outcome
        .moved
        .as_deref()
        .filter(|_| outcome.status != Status::Failed)
}

#[cfg(test)]
pub(crate) mod tests {
    use copier::{Row, RowError};
    use image_name::Digest;
    use images_list::List;
    use registry_client::ManifestError;

    use super::*;
    use crate::files::list_file::RowLocation;
    use crate::rows::selection::ListedRow;

    /// Creates a run with one row `q.io/a/N:v1` -> `r.io/b/N:v1` for each outcome.
    pub(crate) fn run_with(outcomes: Vec<Outcome>) -> CopyRun {
        let name = |host: &str, number: usize| format!("{host}/{number}:v1").parse().unwrap();
        let rows: Vec<Row> = (0..outcomes.len())
            .map(|number| Row::new(name("q.io/a", number), name("r.io/b", number)))
            .collect();
        let listed = |line: usize| ListedRow {
            list: 0,
            row: List::parse("q.io/a r.io/b v1\n")
                .rows()
                .next()
                .unwrap()
                .row
                .clone(),
            location: RowLocation {
                file: "list".into(),
                line,
            },
            entry: None,
        };
        let with = |status| outcomes.iter().filter(move |one| one.status == status);
        let count = |status| with(status).count();
        let summary = Summary {
            rows: rows.len(),
            copied: count(Status::Copied),
            unchanged: count(Status::Unchanged),
            skipped: count(Status::Skipped),
            failed: count(Status::Failed),
            ..Summary::default()
        };
        let rows = rows.into_iter().zip(1..).zip(outcomes);
        CopyRun {
            rows: rows
                .map(|((row, line), outcome)| CopiedRow {
                    row: Box::new(RunRow {
                        target: None,
                        row,
                        listed: Some(listed(line)),
                        names: None,
                    }),
                    outcome,
                })
                .collect(),
            summary,
            entries: Vec::new(),
            entry_findings: Vec::new(),
            requests: 7,
            pulls: Vec::new(),
            vendor_changes: VendorChanges::default(),
            duration: Duration::from_millis(1500),
            provenance: Provenance {
                tool: "mirror 0.1.0".to_owned(),
                started: "2026-11-29T01:02:03Z".to_owned(),
            },
            mode: Mode::Copy,
            ending: Ending::Complete,
            shard: None,
            signatures: None,
        }
    }

    pub(crate) fn outcome(status: Status) -> Outcome {
        let missing = || RowError::SourceMissing {
            reference: "q.io/a/0:v1".to_owned(),
            now: None,
        };
        Outcome {
            status,
            digest: None,
            replaced: None,
            source: None,
            moved: None,
            admitted: None,
            attached: None,
            bytes_copied: 0,
            warnings: Vec::new(),
            error: (status == Status::Failed).then(|| Box::new(missing())),
        }
    }

    #[test]
    fn findings_name_the_line_of_the_failed_row() {
        let run = run_with(vec![outcome(Status::Copied), outcome(Status::Failed)]);
        let findings = run.findings();
        assert_eq!(findings.len(), 1);
        assert_eq!((findings[0].file.as_str(), findings[0].line), ("list", 2));
        assert!(
            findings[0].message.contains("mirror tags"),
            "{}",
            findings[0]
        );
    }

    #[test]
    fn message_of_every_refusal_names_its_row() {
        let digest: Digest = format!("sha256:{}", "a".repeat(64)).parse().unwrap();
        let schema_1 = ManifestError::Schema1 {
            digest: digest.clone(),
        };
        let moved = Moved {
            approved: digest.clone(),
            now: digest.clone(),
        };
        let too_large = registry_client::Error::TooLarge {
            url: "https://mapped.io/v2/x".to_owned(),
            limit: 1,
        };
        let referrer = RowError::Referrer {
            what: digest.to_string(),
            error: Box::new(RowError::Read(too_large.clone())),
        };
        let (source, destination) = ("q.io/a/0:v1", "r.io/b/0:v1");
        let table = [
            (RowError::Manifest(schema_1), source),
            (RowError::Moved(Box::new(moved)), source),
            (RowError::Read(too_large.clone()), source),
            (RowError::Write(too_large), destination),
            (referrer, destination),
            (
                RowError::Incomplete {
                    parent: digest.clone(),
                    child: digest,
                },
                source,
            ),
            (
                RowError::NoPlatform {
                    selected: "linux/arm64".to_owned(),
                    available: "linux/amd64".to_owned(),
                },
                source,
            ),
        ];
        for (error, want) in table {
            let mut failed = outcome(Status::Failed);
            failed.error = Some(Box::new(error.clone()));
            let message = run_with(vec![failed]).findings()[0].message.clone();
            assert!(message.starts_with(&format!("{want}: ")), "{message}");
            assert!(message.contains(&error.to_string()), "{message}");
        }
    }
}
