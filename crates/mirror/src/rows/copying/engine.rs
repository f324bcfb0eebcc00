//! Runs of the copying engine, for `sync`, `copy` and `demo`.

use std::sync::Arc;
use std::time::Instant;

use copier::{Gate, MovedTag, Options, Outcome, Progress, Row, RowError, RunContext};
use registry_client::{Client, TagLists};

use super::run::{CopiedRow, CopyRun, Ending, Mode};
use crate::cli::failure::{Failure, Finding};
use crate::registries::signature_check::SignatureCheck;
use crate::rows::followed::ReportEntry;
use crate::rows::report_file::Provenance;
use crate::rows::selection::{RunRow, Selection};
use crate::rows::shard::Shard;
use crate::session::Session;

/// The rows to copy.
#[derive(Debug)]
pub(crate) struct CopyRequest {
    /// The rows.
    pub(crate) rows: Vec<RunRow>,
    /// The other rows of the lists.
    pub(crate) other_rows: Vec<Row>,
    /// The shard, if the rows are those of one.
    pub(crate) shard: Option<Shard>,
    /// The treatment of source tags that have moved since their approval.
    pub(crate) moved: MovedTag,
    /// Sources of rows whose approved digest the destination has are not asked.
    pub(crate) trust_lock: bool,
    /// Followed rows that must be locked and are not. They fail, and are not copied.
    pub(crate) unlocked: Vec<RunRow>,
    /// The followed entries.
    pub(crate) entries: Vec<ReportEntry>,
    /// The findings of followed entries that failed.
    pub(crate) entry_findings: Vec<Finding>,
    /// The tag lists that were read for followed entries.
    pub(crate) tag_lists: Arc<TagLists>,
    /// The policy that images must satisfy.
    pub(crate) signatures: Option<Arc<SignatureCheck>>,
    /// The client.
    pub(crate) client: Client,
}

impl CopyRequest {
    /// Creates the request for a selection.
    pub(crate) fn new(selection: Selection, moved: MovedTag, client: Client) -> Self {
        Self {
            entries: selection.report_entries(),
            entry_findings: selection.entry_findings(),
            unlocked: Vec::new(),
            tag_lists: selection.tag_lists,
            rows: selection.rows,
            other_rows: selection.other_rows,
            shard: selection.shard,
            moved,
            trust_lock: false,
            signatures: None,
            client,
        }
    }
}

/// Checks the variables of vendor APIs if a row needs them.
fn check_vendor_apis(session: &Session, rows: &[RunRow]) -> Result<(), Failure> {
    if rows.iter().any(|row| row.row.settings.creation.is_some()) {
        session.environment.apis.check_vendor_apis()?;
    }
    Ok(())
}

/// Returns the gate that asks a policy.
fn gate(signatures: Option<&Arc<SignatureCheck>>) -> Option<Arc<dyn Gate>> {
    let signatures = Arc::clone(signatures?);
    Some(signatures)
}

/// Copies rows and displays the progress. A signal ends the run early.
///
/// # Errors
///
/// [`Failure`] if the signal handler cannot be set up.
pub(crate) async fn copy_rows(
    session: &Session,
    options: &Options,
    request: CopyRequest,
) -> Result<CopyRun, Failure> {
    check_vendor_apis(session, &request.rows)?;
    let client = request.client;
    let abort = session.signals.abort_after(options.grace);
    let stop = session.signals.listen()?;
    let progress = Arc::new(Progress::default());
    // Boxed, so that a long list and its outcomes are not copied whole when they are joined.
    let mut run_rows = Vec::with_capacity(request.rows.len());
    run_rows.extend(request.rows.into_iter().map(Box::new));
    let rows = run_rows.iter().map(|row| &row.row);
    let display = session
        .progress_display
        .show(rows.len(), &progress, &client);
    let watch = session.status_signal.watch(rows.len(), &progress, &client);
    let options = Options {
        moved: request.moved,
        trust_lock: request.trust_lock,
        tag_lists: request.tag_lists,
        gate: gate(request.signatures.as_ref()),
        abort,
        ..options.clone()
    };
    let (provenance, start) = (Provenance::now(), Instant::now());
    let context = RunContext {
        client: &client,
        options: &options,
        progress: &progress,
        stop: &stop,
    };
    let synced = copier::sync(context, rows, &request.other_rows);
    let report = Box::pin(synced).await;
    let duration = start.elapsed();
    drop((display, watch));
    let copied = run_rows.into_iter().zip(report.rows);
    let not_approved = |row| (Box::new(row), Outcome::failed(RowError::NotApproved));
    let unlocked = request.unlocked.into_iter().map(not_approved);
    let mut summary = report.summary;
    let outcomes = unlocked.clone().map(|(_, outcome)| outcome);
    outcomes.for_each(|outcome| summary.count(&outcome));
    Ok(CopyRun {
        rows: copied
            .chain(unlocked)
            .map(|(row, outcome)| CopiedRow { row, outcome })
            .collect(),
        summary,
        entries: request.entries,
        entry_findings: request.entry_findings,
        requests: client.requests(),
        pulls: client.pulls(),
        vendor_changes: report.vendor_changes,
        duration,
        provenance,
        mode: match options.dry_run {
            true => Mode::DryRun,
            false => Mode::Copy,
        },
        ending: Ending::new(&stop),
        shard: request.shard,
        signatures: request.signatures,
    })
}
