//! The comparison of destinations with their sources.
//!
//! One HEAD for each distinct reference on each side decides most rows. An index is read once at
//! the destination, to query the manifests that it lists: a tag may exist although they are
//! missing (a sparse index, a registry that lost content). The index of the source is read only
//! if the destination's has drifted, or if platforms are selected and the digest of the narrowed
//! index is needed.

use futures::stream::{self, StreamExt};
use image_name::Digest;
use registry_client::{Access, Error, ManifestHead, Repository, manifest_reference};

use crate::compare_contents::{Side, TagContents};
use crate::compare_report::{
    CompareError, CompareReport, CompareStatus, CompareSummary, Comparison,
};
use crate::head_cache::{HeadCache, SourceHead};
use crate::options::RunContext;
use crate::platform_selection::NarrowedIndex;
use crate::repository_setup::RepositorySetup;
use crate::row::Row;

/// Maximum number of rows in flight; the limits of the hosts bound the requests.
const CONCURRENT_ROWS: usize = 128;

/// Compares the destination of every row with its source. Nothing is written.
///
/// Only the options `platforms` and `arch_tags` apply. After the stop signal, rows without a
/// result are [`CompareStatus::Skipped`].
///
/// Never fails as a whole: each row has its own [`Comparison`].
pub async fn compare(context: RunContext<'_>, rows: &[Row]) -> CompareReport {
    let RunContext { progress, stop, .. } = context;
    let comparer = Comparer {
        context,
        heads: HeadCache::default(),
    };
    let skipped = || Comparison::new(CompareStatus::Skipped);
    let mut comparisons: Vec<Comparison> = rows.iter().map(|_| skipped()).collect();
    let compared = stream::iter(rows.iter().enumerate())
        .take_until(stop.cancelled())
        .map(|(index, row)| {
            let comparison = Box::pin(comparer.compare_row(row));
            async move {
                let _guard = progress.begin_row(row);
                tokio::select! {
                    biased;
                    comparison = comparison => (index, comparison),
                    () = stop.cancelled() => (index, skipped()),
                }
            }
        })
        .buffer_unordered(CONCURRENT_ROWS);
    let mut compared = std::pin::pin!(compared);
    while let Some((index, comparison)) = compared.next().await {
        if comparison.status != CompareStatus::Skipped {
            progress.row_done(comparison.status == CompareStatus::Error);
        }
        comparisons[index] = comparison;
    }
    CompareReport {
        summary: CompareSummary::new(&comparisons),
        rows: comparisons,
    }
}

struct Comparer<'a> {
    context: RunContext<'a>,
    heads: HeadCache,
}

impl Comparer<'_> {
    async fn compare_row(&self, row: &Row) -> Comparison {
        let mut comparison = Comparison::new(CompareStatus::Error);
        match self.fill(row, &mut comparison).await {
            Ok(status) => comparison.status = status,
            Err(error) => comparison.error = Some(error),
        }
        comparison
    }

    /// Fills the comparison step by step, so that after an error the report has the digests.
    async fn fill(
        &self,
        row: &Row,
        comparison: &mut Comparison,
    ) -> Result<CompareStatus, CompareError> {
        let client = self.context.client;
        let destination = client.destination(&row.destination, Access::Pull);
        let destination = destination.map_err(CompareError::Destination)?;
        let (source, existing) = futures::join!(
            self.heads.source(client, &row.source),
            self.heads.destination(&destination, &row.destination),
        );
        if let Ok(Some(source)) = &source {
            comparison.source_digest = Some(source.head.digest.clone());
        }
        if let Ok(Some(head)) = &existing {
            comparison.destination_digest = Some(head.digest.clone());
        }
        let source = source.map_err(CompareError::Source)?;
        let existing = match existing {
            Err(error) => without_repository(row, &destination, error)?,
            Ok(existing) => existing,
        };
        let source = source.ok_or_else(|| CompareError::SourceMissing {
            reference: row.source.to_string(),
        })?;
        let (source, moved) = source.pin_to_approved(row, existing.as_ref());
        comparison.source_digest = Some(source.head.digest.clone());
        comparison.moved = moved;
        let Some(existing) = existing else {
            return Ok(CompareStatus::Missing);
        };
        let compare = async || {
            self.compare_image(row, &source, (&destination, &existing), comparison)
                .await
        };
        source.repository.with_document_memory(compare).await
    }

    /// Compares the contents of an image that the destination has under the tag.
    async fn compare_image(
        &self,
        row: &Row,
        source: &SourceHead,
        (destination, existing): (&Repository, &ManifestHead),
        comparison: &mut Comparison,
    ) -> Result<CompareStatus, CompareError> {
        let options = self.context.options;
        let has_drifted = self.expected_digest(row, source).await? != existing.digest;
        let media_type = source.head.media_type.as_deref();
        let is_index = media_type.is_none_or(registry_client::is_index_type);
        if is_index || options.arch_tags || options.platforms_of(row).is_some() {
            let contents = if has_drifted {
                TagContents::read(Side::Source, &source.repository, &source.head.digest).await?
            } else {
                TagContents::read(Side::Destination, destination, &existing.digest).await?
            };
            let Some(contents) = contents else {
                // Deleted between HEAD and GET: the image of the destination, or the one that the
                // source tag had before it was pushed again.
                return Ok(if has_drifted {
                    CompareStatus::Drift
                } else {
                    CompareStatus::Missing
                });
            };
            self.compare_contents(row, contents, destination, comparison)
                .await?;
        }
        Ok(if has_drifted {
            CompareStatus::Drift
        } else {
            comparison.status_of_contents()
        })
    }

    /// Returns the digest that the destination should have: that of the source, or that of the
    /// index that `sync` would write for the selected platforms.
    async fn expected_digest(
        &self,
        row: &Row,
        source: &SourceHead,
    ) -> Result<Digest, CompareError> {
        let SourceHead { repository, head } = source;
        if let Some(selection) = self.context.options.platforms_of(row)
            && selection.index == NarrowedIndex::Rebuilt
            && let Some(contents) =
                TagContents::read(Side::Source, repository, &head.digest).await?
        {
            return contents.rebuilt_digest(selection);
        }
        Ok(head.digest.clone())
    }

    /// Fills in the selected platforms and `TAG-ARCH` tags at the destination.
    async fn compare_contents(
        &self,
        row: &Row,
        contents: TagContents<'_>,
        destination: &Repository,
        comparison: &mut Comparison,
    ) -> Result<(), CompareError> {
        let options = self.context.options;
        let contents = contents
            .narrowed(options.platforms_of(row), &options.platform_uses)
            .await?;
        comparison.platforms = contents.platforms_at(destination).await?;
        let reference = manifest_reference(&row.destination).map_err(CompareError::Destination)?;
        if let Some(tag) = reference.tag().filter(|_| options.arch_tags) {
            comparison.arch_tags = contents.arch_tags_at(destination, tag).await?;
        }
        Ok(())
    }
}

/// Returns no image for a destination whose repository does not exist.
///
/// # Errors
///
/// Other errors. If the registry refuses access to a repository that the vendor's API creates, the error adds
/// that the repository may not exist.
fn without_repository(
    row: &Row,
    destination: &Repository,
    error: Error,
) -> Result<Option<ManifestHead>, CompareError> {
    let api = row.settings.creation;
    let Some(api) = api.filter(|_| RepositorySetup::may_be_missing(row, &error)) else {
        return Err(CompareError::Destination(error));
    };
    if !error.is_refused() {
        return Ok(None);
    }
    let path = api.path_to_create(destination.path());
    Err(CompareError::MayBeMissing {
        what: format!("the {} {path} of {api}", api.creates()),
        error,
    })
}
