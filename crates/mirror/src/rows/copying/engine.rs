//! Runs of the copying engine, for `sync`, `copy` and `demo`.

use std::sync::Arc;
use std::time::Instant;

use copier::{MovedTag, Options, Progress, Row, RunContext};

use super::run::{CopiedRow, CopyRun, Ending, Mode};
use crate::cli::failure::Failure;
use crate::registries::client::{self, ClientLimits};
use crate::rows::report_file::Provenance;
use crate::rows::selection::{RunRow, Selection};
use crate::rows::shard::Shard;
use crate::session::Session;

/// The rows to copy.
#[derive(Debug)]
pub(crate) struct CopyRequest {
    /// The title of the step summary: the command.
    pub(crate) title: &'static str,
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
    /// The limits of the client.
    pub(crate) limits: ClientLimits,
}

impl CopyRequest {
    /// Creates the request for a selection.
    pub(crate) fn new(title: &'static str, selection: Selection, moved: MovedTag) -> Self {
        Self {
            title,
            rows: selection.rows,
            other_rows: selection.other_rows,
            shard: selection.shard,
            moved,
            trust_lock: false,
            limits: ClientLimits::default(),
        }
    }
}

/// Copies rows and displays the progress. A signal ends the run early.
///
/// # Errors
///
/// [`Failure`] if the client or the signal handler cannot be set up.
pub(crate) async fn copy_rows(
    session: &Session,
    options: &Options,
    request: CopyRequest,
) -> Result<CopyRun, Failure> {
    let limits = request.limits;
    let client = client::build_with(&session.common, &session.environment, limits)?;
    let abort = session.signals.abort_after(options.grace);
    let stop = session.signals.listen()?;
    let progress = Arc::new(Progress::default());
    let rows: Vec<Row> = request.rows.iter().map(|row| row.row.clone()).collect();
    let display = session.progress_display.show(rows.len(), &progress);
    let watch = session.status_signal.watch(rows.len(), &progress, &client);
    let options = Options {
        moved: request.moved,
        trust_lock: request.trust_lock,
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
    let synced = copier::sync(context, &rows, &request.other_rows);
    let report = Box::pin(synced).await;
    let duration = start.elapsed();
    drop((display, watch));
    let rows = request.rows.into_iter().zip(report.rows);
    Ok(CopyRun {
        rows: rows
            .map(|(row, outcome)| CopiedRow { row, outcome })
            .collect(),
        summary: report.summary,
        requests: client.requests(),
        pulls: client.pulls(),
        duration,
        provenance,
        mode: if options.dry_run {
            Mode::DryRun
        } else {
            Mode::Copy
        },
        ending: Ending::new(&stop),
        shard: request.shard,
    })
}
