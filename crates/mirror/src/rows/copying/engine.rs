//! Running the copying engine: what `sync` and `copy` share.

use std::sync::Arc;
use std::time::Instant;

use copier::{MovedTag, Options, Progress, Row};

use super::run::{Ending, Mode, Run};
use crate::cli::failure::Failure;
use crate::registries::client;
use crate::rows::selection::Place;
use crate::rows::shard::Shard;
use crate::session::Session;

/// What is to be copied.
#[derive(Debug)]
pub(crate) struct Work {
    /// The command's name, for the summary.
    pub(crate) title: &'static str,
    /// The rows.
    pub(crate) rows: Vec<Row>,
    /// Where each stands; none for a row that is in no list.
    pub(crate) places: Vec<Place>,
    /// The list's other rows.
    pub(crate) other_rows: Vec<Row>,
    /// Which share of the list's rows these are.
    pub(crate) shard: Option<Shard>,
    /// What a source tag that was pushed again means.
    pub(crate) moved: MovedTag,
}

/// Copies rows, with progress on the screen and an ear for signals.
///
/// # Errors
///
/// [`Failure`] where no row could be tried.
pub(crate) async fn run(session: &Session, options: &Options, work: Work) -> Result<Run, Failure> {
    let client = client::build(&session.common, &session.environment)?;
    let stop = session.signals.listen()?;
    let progress = Arc::new(Progress::default());
    let shown = session.screen.show(work.rows.len(), &progress);
    let watching = session
        .status_signal
        .watch(work.rows.len(), &progress, &client);
    let start = Instant::now();
    let synced = copier::sync(
        &client,
        &work.rows,
        &work.other_rows,
        options,
        &progress,
        &stop,
    );
    let report = Box::pin(synced).await;
    let duration = start.elapsed();
    drop((shown, watching));
    Ok(Run {
        rows: work.rows,
        places: work.places,
        report,
        requests: client.requests(),
        duration,
        mode: if options.dry_run {
            Mode::DryRun
        } else {
            Mode::Copy
        },
        ending: Ending::of(&stop),
        shard: work.shard,
    })
}
