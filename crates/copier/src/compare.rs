//! Is the mirror what the list says?
//!
//! One HEAD for each distinct reference on each side tells of most rows. An
//! index is read once at the destination, so that the manifests under it can be
//! asked for: a tag may be there while what it names is not (a sparse index, a
//! registry that lost content). The source's own index is read only where it
//! has drifted, or where platforms are selected and the digest of the narrowed
//! index has to be known.

use std::sync::Arc;

use futures::stream::{self, StreamExt};
use image_name::Digest;
use registry_client::{Access, Client, Error, Repository, manifest_reference};
use tokio_util::sync::CancellationToken;

use crate::compare_contents::Contents;
use crate::compare_report::{
    CompareError, CompareReport, CompareStatus, CompareSummary, Comparison,
};
use crate::head_cache::{HeadCache, SourceHead};
use crate::progress::Progress;
use crate::row::{NarrowedIndex, Options, Row};

/// Rows under way at once; the hosts' limits say how many requests that makes.
const ROWS: usize = 128;

/// Compares every row's destination with its source. Nothing is written.
///
/// Of the options the platforms and `arch_tags` count. When `stop` is
/// cancelled, rows without a result are [`CompareStatus::Skipped`].
///
/// Never fails as a whole: each row has its own [`Comparison`].
pub async fn compare(
    client: &Client,
    rows: &[Row],
    options: &Options,
    progress: &Arc<Progress>,
    stop: &CancellationToken,
) -> CompareReport {
    let comparer = Comparer {
        client,
        options,
        heads: HeadCache::new(),
    };
    let mut done: Vec<Comparison> = rows
        .iter()
        .map(|_| Comparison::of(CompareStatus::Skipped))
        .collect();
    let compared = stream::iter(rows.iter().enumerate())
        .take_until(stop.cancelled())
        .map(|(index, listed)| {
            let row = Box::pin(comparer.row(listed));
            async move {
                let _shown = progress.begin_row(listed);
                tokio::select! {
                    biased;
                    comparison = row => (index, comparison),
                    () = stop.cancelled() => (index, Comparison::of(CompareStatus::Skipped)),
                }
            }
        })
        .buffer_unordered(ROWS);
    let mut compared = std::pin::pin!(compared);
    while let Some((index, comparison)) = compared.next().await {
        progress.row_done(comparison.status == CompareStatus::Error);
        done[index] = comparison;
    }
    CompareReport {
        summary: CompareSummary::of(&done),
        rows: done,
    }
}

struct Comparer<'a> {
    client: &'a Client,
    options: &'a Options,
    heads: HeadCache,
}

impl Comparer<'_> {
    async fn row(&self, row: &Row) -> Comparison {
        let mut comparison = Comparison::of(CompareStatus::Error);
        match self.fill(row, &mut comparison).await {
            Ok(status) => comparison.status = status,
            Err(error) => comparison.error = Some(error),
        }
        comparison
    }

    /// Notes what is found as it is found, so that an error does not take the
    /// digests from the report.
    async fn fill(
        &self,
        row: &Row,
        comparison: &mut Comparison,
    ) -> Result<CompareStatus, CompareError> {
        let target = self
            .client
            .destination(&row.destination, Access::Pull)
            .map_err(CompareError::Destination)?;
        let (source, there) = futures::join!(
            self.heads.source(self.client, &row.source),
            self.heads.destination(&target, &row.destination),
        );
        if let Ok(Some(found)) = &source {
            comparison.source_digest = Some(found.head.digest.clone());
        }
        if let Ok(Some(head)) = &there {
            comparison.destination_digest = Some(head.digest.clone());
        }
        let source = source.map_err(CompareError::Source)?;
        let there = there.map_err(CompareError::Destination)?;
        let Some(source) = source else {
            return Err(CompareError::SourceMissing {
                reference: row.source.to_string(),
            });
        };
        let (source, moved) = source.pin_to_approved(row, there.as_ref());
        comparison.source_digest = Some(source.head.digest.clone());
        comparison.moved = moved;
        let Some(there) = there else {
            return Ok(CompareStatus::Missing);
        };
        let wanted = self.wanted_digest(&source).await?;
        self.contents(row, &source, &target, &wanted, &there.digest, comparison)
            .await
    }

    /// What the destination's tag should be: the source's digest, or that of
    /// the index that `sync` would write for the selected platforms.
    async fn wanted_digest(&self, source: &SourceHead) -> Result<Digest, CompareError> {
        match &self.options.platforms {
            Some(selection) if selection.index == NarrowedIndex::Rebuilt => {
                let contents = Contents::read(&source.repository, &source.head.digest).await;
                let contents = contents.map_err(|error| error.of_source())?;
                contents.map_or_else(
                    || Ok(source.head.digest.clone()),
                    |contents| contents.rebuilt_digest(selection),
                )
            }
            _ => Ok(source.head.digest.clone()),
        }
    }

    async fn contents(
        &self,
        row: &Row,
        source: &SourceHead,
        target: &Repository,
        wanted: &Digest,
        there: &Digest,
        comparison: &mut Comparison,
    ) -> Result<CompareStatus, CompareError> {
        let drifted = wanted != there;
        let media_type = source.head.media_type.as_deref();
        let is_index = media_type.is_none_or(registry_client::is_index_type);
        if !is_index && !self.options.arch_tags {
            return Ok(if drifted {
                CompareStatus::Drift
            } else {
                CompareStatus::Same
            });
        }
        let contents = if drifted {
            let read = Contents::read(&source.repository, &source.head.digest).await;
            read.map_err(|error| error.of_source())?
        } else {
            let read = Contents::read(target, there).await;
            read.map_err(|error| error.of_destination())?
        };
        let Some(contents) = contents else {
            // Between HEAD and GET it went away.
            return Ok(CompareStatus::Missing);
        };
        let contents = contents.narrowed(self.options.platforms.as_ref())?;
        comparison.platforms = contents.found_at(target).await?;
        let reference = manifest_reference(&row.destination).map_err(CompareError::Destination)?;
        if let Some(tag) = reference.tag().filter(|_| self.options.arch_tags) {
            let holder: (&Repository, fn(Error) -> CompareError) = if drifted {
                (&source.repository, CompareError::Source)
            } else {
                (target, CompareError::Destination)
            };
            comparison.arch_tags = contents.arch_tags(holder, target, tag).await?;
        }
        Ok(match comparison.status_of_contents() {
            _ if drifted => CompareStatus::Drift,
            status => status,
        })
    }
}
