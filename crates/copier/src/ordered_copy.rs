//! The copies of blobs that can be read only once, before the rows of a run.

use std::collections::BTreeMap;

use futures::StreamExt;
use futures::future::join_all;
use futures::stream::FuturesUnordered;
use registry_client::{Blob, ManifestHead, Repository};

use crate::engine::Engine;
use crate::image_copy::ImageCopy;
use crate::image_reads::ImageReads;
use crate::ordered::{OrderedBlob, OrderedBlobs};
use crate::report::RowError;
use crate::row::Row;

/// A row that the blobs are copied for.
struct OrderedRow<'a> {
    source: Repository,
    destination: Repository,
    row: &'a Row,
    /// The destination has the image.
    is_unchanged: bool,
}

/// The result of the pass for each row.
#[derive(Debug, Default)]
pub(crate) struct OrderedResults {
    /// By the index of the row.
    rows: BTreeMap<usize, OrderedResult>,
}

/// The result of the pass for one row.
#[derive(Debug, Default)]
pub(crate) struct OrderedResult {
    pub(crate) bytes: u64,
    pub(crate) error: Option<RowError>,
}

impl OrderedResults {
    /// Returns the result of a row.
    pub(crate) fn take(&mut self, row: usize) -> OrderedResult {
        self.rows.remove(&row).unwrap_or_default()
    }

    fn add(&mut self, copied: CopiedFor) {
        let result = self.rows.entry(copied.row).or_default();
        result.bytes += copied.bytes;
        if let Err(error) = copied.outcome {
            result.error.get_or_insert(error);
        }
    }
}

/// The copy of one blob for one row.
struct CopiedFor {
    row: usize,
    bytes: u64,
    outcome: Result<(), RowError>,
}

/// Copies every blob that a row needs, in the order of the sources.
pub(crate) async fn copy_ordered(
    engine: &Engine<'_>,
    rows: &[&Row],
    blobs: &dyn OrderedBlobs,
) -> OrderedResults {
    let prepared = rows.iter().map(|row| prepare(engine, row));
    let prepared: Vec<_> = futures::stream::iter(prepared)
        .buffered(CONCURRENT_ROWS)
        .collect()
        .await;
    let mut results = OrderedResults::default();
    let mut in_flight = FuturesUnordered::new();
    let mut ended = false;
    let mut next = blobs.next();
    while !(ended && in_flight.is_empty()) {
        tokio::select! {
            found = &mut next, if !ended => match found {
                Some(blob) => {
                    in_flight.push(copy_one(engine, &prepared, blobs, blob));
                    next = blobs.next();
                }
                None => ended = true,
            },
            Some(copied) = in_flight.next(), if !in_flight.is_empty() => {
                for copied in copied {
                    results.add(copied);
                }
            }
        }
    }
    results
}

/// Maximum number of rows whose heads are queried concurrently, as in the run.
const CONCURRENT_ROWS: usize = 512;

/// Queries the heads of a row, which its synchronization uses too, and creates its repository. A row that
/// fails here fails there with its cause.
async fn prepare<'a>(engine: &Engine<'_>, row: &'a Row) -> Option<OrderedRow<'a>> {
    let destination = engine.destination_of(row).ok()?;
    let source = engine.heads.source(&engine.client, &row.source);
    let existing = engine.heads.destination(&destination, &row.destination);
    let (source, existing) = futures::join!(source, existing);
    let source = source.ok()??;
    let existing: Option<ManifestHead> = existing.unwrap_or_default();
    if existing.is_none() {
        engine
            .setup
            .create(&engine.client, row, &destination)
            .await
            .ok()?;
    }
    let digest = row.approved_digest().unwrap_or(&source.head.digest);
    let is_unchanged = existing.is_some_and(|existing| existing.digest == *digest)
        && engine.options.copies_whole_image(row);
    Some(OrderedRow {
        source: source.repository,
        destination,
        row,
        is_unchanged,
    })
}

async fn copy_one(
    engine: &Engine<'_>,
    rows: &[Option<OrderedRow<'_>>],
    blobs: &dyn OrderedBlobs,
    ordered: OrderedBlob,
) -> Vec<CopiedFor> {
    let OrderedBlob {
        blob,
        rows: needs,
        lease,
    } = ordered;
    let mut by_registry: BTreeMap<&str, Vec<(usize, &OrderedRow<'_>)>> = BTreeMap::new();
    for need in needs.iter() {
        let Some(row) = rows.get(need.row).and_then(Option::as_ref) else {
            continue;
        };
        let copies_attached = engine.options.copies_referrers_of(row.row);
        if need.is_of_image && row.is_unchanged || !need.is_of_image && !copies_attached {
            continue;
        }
        let registry = by_registry.entry(row.destination.host_name()).or_default();
        let is_known = |(_, known): &(usize, &OrderedRow<'_>)| known.destination == row.destination;
        if !registry.iter().any(is_known) {
            registry.push((need.row, row));
        }
    }
    blobs.expect_readers(&blob, by_registry.len());
    let copies = by_registry.into_values().map(|rows| {
        let blob = &blob;
        async move {
            let copied = copy_to_registry(engine, &rows, blob).await;
            blobs.reader_done(blob);
            copied
        }
    });
    let copied = join_all(copies).await;
    drop(lease);
    copied.into_iter().flatten().collect()
}

/// Copies a blob to the repositories of one registry, one after the other: the first one gets it sent, and
/// the others mount it.
async fn copy_to_registry(
    engine: &Engine<'_>,
    rows: &[(usize, &OrderedRow<'_>)],
    blob: &Blob,
) -> Vec<CopiedFor> {
    let mut copied = Vec::with_capacity(rows.len());
    for (index, row) in rows {
        let registry = engine.registry(row.destination.host_name());
        let reads = ImageReads::new(None);
        let image = ImageCopy::new(engine, &row.source, &row.destination, &registry, reads);
        let outcome = image.copy_blob(blob, None).await;
        copied.push(CopiedFor {
            row: *index,
            bytes: image.bytes_sent(),
            outcome,
        });
    }
    copied
}
