//! A whole run.

use std::collections::HashMap;
use std::future::ready;
use std::sync::Arc;

use futures::stream::{self, StreamExt};
use oci_spec::distribution::Reference;
use registry_client::{Access, Client, manifest_reference};
use tokio_util::sync::CancellationToken;

use crate::engine::Engine;
use crate::progress::Progress;
use crate::report::{Conflict, Outcome, Report, RowError, Status, Summary};
use crate::row::{Options, Row};
use crate::row_sync::Target;
use crate::write_plan::WritePlan;

/// Rows under way at once: enough that a host's limit is in use while rows wait
/// for an answer of another. A row is a few KiB; how many requests that makes is
/// for the limits of the hosts to say.
const ROWS: usize = 512;

/// Brings every row's destination up to date.
///
/// `other_rows` are rows of the same list that are not part of this run: their
/// destinations are looked through for blobs to mount. When `stop` is
/// cancelled, no row is begun and no image, those under way may take
/// [`Options::grace`], and the rest is [`Status::Skipped`].
///
/// Never fails as a whole: each row has its own [`Outcome`].
pub async fn sync(
    client: &Client,
    rows: &[Row],
    other_rows: &[Row],
    options: &Options,
    progress: &Arc<Progress>,
    stop: &CancellationToken,
) -> Report {
    let engine = Engine::new(client, write_plan(client, rows, options), options, progress);
    let (first, later) = split_by_destination(rows);
    let mut outcomes: Vec<Outcome> = rows.iter().map(|_| Outcome::of(Status::Skipped)).collect();
    let work = async {
        let done = stream::iter(first)
            .take_until(stop.cancelled())
            .map(|index| {
                let row = &rows[index];
                let synced = engine.until_stopped(
                    stop,
                    row,
                    Box::pin(engine.sync_row(row, Target::Unasked)),
                );
                async move { (index, synced.await) }
            })
            .buffer_unordered(ROWS);
        let mut done = std::pin::pin!(done);
        while let Some((index, outcome)) = done.next().await {
            outcomes[index] = outcome;
        }
        for (index, first) in later {
            if !stop.is_cancelled() {
                let second = engine.sync_later(&rows[index], &rows[first], &outcomes[first]);
                outcomes[index] = engine
                    .until_stopped(stop, &rows[index], Box::pin(second))
                    .await;
            }
        }
    };
    let swept = async {
        tokio::select! {
            () = engine.sweep(rows, other_rows) => {}
            () = stop.cancelled() => {}
        }
        engine.finish_sweeps();
    };
    futures::join!(Box::pin(work), Box::pin(swept));
    for (row, outcome) in rows.iter().zip(&mut outcomes) {
        outcome.warnings.extend(engine.listing_gaps.of(row));
    }
    report(&engine, outcomes)
}

/// The writes that the rows stand for. A dry run has none, and neither has a row with a name
/// that is wrong, which fails when its turn comes.
fn write_plan(client: &Client, rows: &[Row], options: &Options) -> WritePlan {
    let mut plan = WritePlan::default();
    if options.dry_run {
        return plan;
    }
    for row in rows {
        let target = client.destination(&row.destination, Access::Push);
        if let (Ok(target), Ok(reference)) = (target, manifest_reference(&row.destination)) {
            plan.add(&target, &reference, options.arch_tags);
        }
    }
    plan
}

fn report(engine: &Engine<'_>, rows: Vec<Outcome>) -> Report {
    let mut summary = Summary::default();
    for outcome in &rows {
        summary.count(outcome);
    }
    engine.blob_counts.fill(&mut summary);
    Report { rows, summary }
}

/// The rows that are the first to fill their destination, and the later ones
/// with the first of each.
pub(crate) fn split_by_destination(rows: &[Row]) -> (Vec<usize>, Vec<(usize, usize)>) {
    let mut firsts: HashMap<&Reference, usize> = HashMap::new();
    let (mut first, mut later) = (Vec::new(), Vec::new());
    for (index, row) in rows.iter().enumerate() {
        match firsts.get(&row.destination) {
            Some(earlier) => later.push((index, *earlier)),
            None => {
                firsts.insert(&row.destination, index);
                first.push(index);
            }
        }
    }
    (first, later)
}

impl Engine<'_> {
    async fn until_stopped(
        &self,
        stop: &CancellationToken,
        row: &Row,
        synced: impl Future<Output = Outcome>,
    ) -> Outcome {
        let _shown = self.progress.begin_row(row);
        let stopped = async {
            stop.cancelled().await;
            // What waits for its turn does not begin any more.
            self.copying.close();
            tokio::time::sleep(self.options.grace).await;
        };
        let outcome = tokio::select! {
            biased;
            outcome = synced => outcome,
            () = stopped => Outcome::of(Status::Skipped),
        };
        self.progress.row_done(outcome.status == Status::Failed);
        tracing::debug!(
            status = outcome.status.as_str(),
            bytes = outcome.bytes_copied,
            "{} -> {}",
            row.source,
            row.destination
        );
        outcome
    }

    /// A row whose destination an earlier row fills: the same content is fine,
    /// other content is refused.
    async fn sync_later(&self, row: &Row, first: &Row, outcome: &Outcome) -> Outcome {
        let own = self.heads.source(&self.client, &row.source).await;
        let firsts = self.heads.source(&self.client, &first.source).await;
        if let (Ok(Some(own)), Ok(Some(firsts))) = (own, firsts) {
            let digest = row.approved.clone().unwrap_or(own.head.digest);
            let first_digest = first.approved.clone().unwrap_or(firsts.head.digest);
            if digest != first_digest {
                return Outcome::failed(RowError::Conflict(Box::new(Conflict {
                    destination: row.destination.to_string(),
                    first: first.source.to_string(),
                    first_digest,
                    digest,
                })));
            }
        }
        let written = match outcome.status {
            Status::Copied | Status::Unchanged => outcome.digest.clone(),
            Status::Failed | Status::Skipped => None,
        };
        self.sync_row(row, written.map_or(Target::Unasked, Target::Written))
            .await
    }

    /// Asks for every destination, so that it is known what can be mounted
    /// before the first blob is sent. Rows use the same answers.
    async fn sweep(&self, rows: &[Row], other_rows: &[Row]) {
        if self.options.dry_run {
            return;
        }
        let mut by_host: HashMap<String, Vec<(&Row, registry_client::Repository)>> = HashMap::new();
        for row in rows {
            // What is wrong with a name is the row's to report.
            if let Ok(target) = self.target_of(row) {
                let host = target.host_name().to_owned();
                by_host.entry(host).or_default().push((row, target));
            }
        }
        let sweeps = by_host.into_iter().map(|(host, targets)| async move {
            let destination = self.destination(&host);
            let asks = targets.into_iter().map(|(row, target)| async move {
                let head = self.heads.destination(&target, &row.destination).await;
                let digest = head.ok().flatten()?.digest;
                Some((row, target, digest))
            });
            // In the order of the list, so that two runs search alike.
            let mut there = stream::iter(asks).buffered(ROWS).filter_map(ready);
            while let Some((row, target, digest)) = there.next().await {
                let name = target.path().clone();
                let source = row.source.repository().into();
                let reference = digest.into();
                destination.candidates.add(target, name, source, reference);
            }
            self.add_other_rows(&host, other_rows);
            destination.finish_sweep();
        });
        futures::future::join_all(sweeps).await;
    }

    fn add_other_rows(&self, host: &str, other_rows: &[Row]) {
        let destination = self.destination(host);
        for row in other_rows {
            if let Ok(target) = self.target_of(row)
                && target.host_name() == host
                && let Ok(reference) = manifest_reference(&row.destination)
            {
                let name = target.path().clone();
                let source = row.source.repository().into();
                destination.candidates.add(target, name, source, reference);
            }
        }
    }
}
