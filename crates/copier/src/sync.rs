//! A run: every row of a list.

use std::collections::HashMap;
use std::future::ready;
use std::sync::Arc;

use futures::stream::{self, StreamExt};
use image_name::ManifestReference;
use oci_spec::distribution::Reference;
use registry_client::{Access, Client, Repository, manifest_reference};

use crate::destination::BlobLocation;
use crate::digest_tag_writes::DigestTagWrites;
use crate::engine::Engine;
use crate::known_blob::KnownBlob;
use crate::options::{Options, RunContext};
use crate::ordered_copy::{OrderedResults, copy_ordered};
use crate::report::{Conflict, Outcome, Report, RowError, Status, Summary};
use crate::row::Row;
use crate::row_sync::RowSync;
use crate::source_group::SourceGroups;
use crate::write_plan::WritePlan;

/// Maximum number of rows in flight: enough to use the request limit of one host while rows wait
/// for another. A row takes a few KiB; the limits of the hosts bound the requests.
const CONCURRENT_ROWS: usize = 512;

/// Brings the destination of every row up to date.
///
/// `other_rows` are rows of the same list that are not part of the run: blobs are mounted from
/// their destinations too. After the stop signal no row and no image is started, rows in flight
/// get [`Options::grace`], unless [`Options::abort`] ends it, and the rest is [`Status::Skipped`].
///
/// Never fails as a whole: each row has its own [`Outcome`].
pub async fn sync<'a>(
    context: RunContext<'_>,
    rows: impl IntoIterator<Item = &'a Row>,
    other_rows: &[Row],
) -> Report {
    let rows: Vec<_> = rows.into_iter().collect();
    let rows = rows.as_slice();
    let plan = write_plan(context.client, rows, context.options);
    let mut engine = Engine::new(&context, plan);
    if context.options.overwrite_signatures {
        engine.digest_tag_writes = DigestTagWrites::overwriting(rows);
    }
    if !context.options.dry_run {
        engine.groups = source_groups(&engine, rows);
        add_known_blobs(&engine, &context.options.known_blobs);
    }
    let engine = &engine;
    let run = SyncRun {
        context,
        engine,
        rows,
        other_rows,
    };
    let candidates = async {
        tokio::select! {
            () = run.collect_candidates() => {}
            () = context.stop.cancelled() => {}
        }
        engine.close_candidates();
    };
    let (mut outcomes, ()) = futures::join!(Box::pin(run.sync_rows()), Box::pin(candidates));
    for (row, outcome) in rows.iter().zip(&mut outcomes) {
        outcome.warnings.extend(engine.listing_gaps.warnings(row));
    }
    let mut summary = Summary::default();
    for outcome in &outcomes {
        summary.count(outcome);
    }
    engine.blob_counts.add_to(&mut summary);
    Report {
        rows: outcomes,
        summary,
        vendor_changes: engine.setup.changes(),
    }
}

/// Builds the write plan. Dry runs and rows with invalid names, which fail later, add nothing.
fn write_plan(client: &Client, rows: &[&Row], options: &Options) -> WritePlan {
    let mut plan = WritePlan::default();
    if options.dry_run {
        return plan;
    }
    for row in rows {
        let destination = client.destination(&row.destination, Access::Push);
        let reference = manifest_reference(&row.destination);
        if let (Ok(destination), Ok(reference)) = (destination, reference) {
            plan.add(&destination, &reference, options.arch_tags);
            plan.add_settings(&destination, &row.settings);
        }
    }
    plan
}

/// Returns the groups of the rows that run concurrently.
fn source_groups(engine: &Engine<'_>, rows: &[&Row]) -> SourceGroups {
    let first = RowOrder::new(rows).first.into_iter();
    let rows = first.filter_map(|index| {
        let row = rows[index];
        let destination = engine.destination_of(row).ok()?;
        Some((&row.source, destination.host_name().to_owned()))
    });
    SourceGroups::new(rows)
}

/// Adds known blobs to the locations of a run. They are given only to rows whose sources show that they
/// have them too.
fn add_known_blobs(engine: &Engine<'_>, known: &[KnownBlob]) {
    for KnownBlob { repository, digest } in known {
        let registry = engine.registry(repository.host_name());
        let location = BlobLocation {
            repository: repository.path().clone(),
            sources: Arc::from([]),
        };
        registry.blobs.add(digest, location);
    }
}

/// Rows by their destinations.
#[derive(Debug, Default)]
pub(crate) struct RowOrder {
    /// The first row of each destination, those with the same source together.
    pub(crate) first: Vec<usize>,
    /// Rows whose destination has an earlier row, with that row.
    pub(crate) later: Vec<(usize, usize)>,
}

impl RowOrder {
    pub(crate) fn new(rows: &[&Row]) -> Self {
        let mut order = Self::default();
        let mut firsts: HashMap<&Reference, usize> = HashMap::new();
        let mut sources: HashMap<&Reference, usize> = HashMap::new();
        for (index, row) in rows.iter().enumerate() {
            sources.entry(&row.source).or_insert(index);
            match firsts.get(&row.destination) {
                Some(first) => order.later.push((index, *first)),
                None => {
                    firsts.insert(&row.destination, index);
                    order.first.push(index);
                }
            }
        }
        // Their registries can share the reads of the source.
        order
            .first
            .sort_by_key(|index| sources[&rows[*index].source]);
        order
    }
}

/// The rows of a run.
#[derive(Clone, Copy)]
struct SyncRun<'a> {
    context: RunContext<'a>,
    engine: &'a Engine<'a>,
    rows: &'a [&'a Row],
    other_rows: &'a [Row],
}

impl SyncRun<'_> {
    /// Synchronizes the first row of each destination concurrently, then the later rows.
    async fn sync_rows(&self) -> Vec<Outcome> {
        let mut passed = self.pass_blobs().await;
        let order = RowOrder::new(self.rows);
        let skipped = self.rows.iter().map(|_| Outcome::new(Status::Skipped));
        let mut outcomes: Vec<Outcome> = skipped.collect();
        let done = stream::iter(order.first)
            .take_until(self.context.stop.cancelled())
            .map(|index| {
                let row = self.rows[index];
                let passed = passed.take(index);
                let synced = Box::pin(async move {
                    if let Some(error) = passed.error {
                        return Outcome::failed(error);
                    }
                    let mut outcome = RowSync::new(self.engine, row).run(None).await;
                    outcome.bytes_copied += passed.bytes;
                    outcome
                });
                let outcome = self.until_stopped(row, synced);
                async move { (index, outcome.await) }
            })
            .buffer_unordered(CONCURRENT_ROWS);
        let mut done = std::pin::pin!(done);
        while let Some((index, outcome)) = done.next().await {
            outcomes[index] = outcome;
        }
        for (index, first) in order.later {
            if !self.context.stop.is_cancelled() {
                let (row, first_row) = (self.rows[index], self.rows[first]);
                let synced = Box::pin(self.sync_later(row, first_row, &outcomes[first]));
                outcomes[index] = self.until_stopped(row, synced).await;
            }
        }
        outcomes
    }

    /// Copies the blobs of sources that can be read only once, until the stop signal.
    async fn pass_blobs(&self) -> OrderedResults {
        let Some(blobs) = &self.context.options.ordered else {
            return OrderedResults::default();
        };
        if self.context.options.dry_run {
            return OrderedResults::default();
        }
        let passed = Box::pin(copy_ordered(self.engine, self.rows, &**blobs));
        tokio::select! {
            passed = passed => passed,
            () = self.context.stop.cancelled() => OrderedResults::default(),
        }
    }

    /// Waits for the outcome of a row, after the stop signal only for the grace period.
    async fn until_stopped(&self, row: &Row, synced: impl Future<Output = Outcome>) -> Outcome {
        let (engine, progress) = (self.engine, self.context.progress);
        let _guard = progress.begin_row(row);
        let stopped = async {
            self.context.stop.cancelled().await;
            // Images that wait for a permit do not start.
            engine.copy_permits.close();
            tokio::select! {
                () = tokio::time::sleep(engine.options.grace) => {}
                () = engine.options.abort.cancelled() => {}
            }
        };
        let outcome = tokio::select! {
            biased;
            outcome = synced => outcome,
            () = stopped => Outcome::new(Status::Skipped),
        };
        if outcome.status != Status::Skipped {
            progress.row_done(outcome.status == Status::Failed);
        }
        let status = match outcome.status {
            Status::Copied if engine.options.dry_run => "would copy",
            status => status.as_str(),
        };
        tracing::debug!(
            status,
            bytes = outcome.bytes_copied,
            "{} -> {}",
            row.source,
            row.destination
        );
        outcome
    }

    /// Synchronizes a row whose destination has an earlier row. It fails if their contents
    /// differ.
    async fn sync_later(&self, row: &Row, first: &Row, outcome: &Outcome) -> Outcome {
        let (engine, client) = (self.engine, &self.engine.client);
        let digest_of = async |row: &Row| {
            let approved = row.approved_digest().cloned();
            if approved.is_some() && engine.options.trust_lock {
                return approved;
            }
            let head = engine.heads.source(client, &row.source).await.ok()??.head;
            Some(approved.unwrap_or(head.digest))
        };
        if let (Some(digest), Some(first_digest)) = (digest_of(row).await, digest_of(first).await)
            && digest != first_digest
        {
            return Outcome::failed(RowError::Conflict(Box::new(Conflict {
                destination: row.destination.to_string(),
                first: first.source.to_string(),
                first_digest,
                digest,
            })));
        }
        let written = match outcome.status {
            // A dry run has written nothing, so the destination decides.
            Status::Copied if engine.options.dry_run => None,
            Status::Copied | Status::Unchanged => outcome.digest.clone(),
            Status::Failed | Status::Skipped => None,
        };
        RowSync::new(engine, row).run(written).await
    }

    /// Collects the images that each destination registry has, so that their blobs are mounted.
    /// The rows use the same responses.
    async fn collect_candidates(&self) {
        if self.engine.options.dry_run {
            return;
        }
        let mut by_host: HashMap<String, Vec<&Row>> = HashMap::new();
        for &row in self.rows {
            // A row reports its invalid name itself.
            if let Ok(destination) = self.engine.destination_of(row) {
                let host = destination.host_name().to_owned();
                by_host.entry(host).or_default().push(row);
            }
        }
        let hosts = by_host.into_iter().map(|(host, rows)| async move {
            let queries = rows.into_iter().map(|row| async move {
                let destination = self.engine.destination_of(row).ok()?;
                let heads = &self.engine.heads;
                let head = heads.destination(&destination, &row.destination).await;
                let digest = head.ok().flatten()?.digest;
                Some((row, destination, digest))
            });
            // In the order of the list, so that mounts are deterministic.
            let existing = stream::iter(queries).buffered(CONCURRENT_ROWS);
            let mut existing = existing.filter_map(ready);
            while let Some((row, destination, digest)) = existing.next().await {
                self.add_candidate(row, destination, digest.into());
            }
            self.add_other_rows(&host);
            self.engine.registry(&host).close_candidates();
        });
        futures::future::join_all(hosts).await;
    }

    fn add_other_rows(&self, host: &str) {
        for row in self.other_rows {
            if let Ok(destination) = self.engine.destination_of(row)
                && destination.host_name() == host
                && let Ok(reference) = manifest_reference(&row.destination)
            {
                self.add_candidate(row, destination, reference);
            }
        }
    }

    fn add_candidate(&self, row: &Row, destination: Repository, reference: ManifestReference) {
        let registry = self.engine.registry(destination.host_name());
        // The names of a row with a destination are valid.
        let sources = self.engine.client.sources(&row.source).unwrap_or_default();
        registry.candidates.add(destination, sources, reference);
    }
}
