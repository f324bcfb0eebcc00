//! The state that all rows of a run share.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use image_name::Digest;
use once_map::OnceMap;
use registry_client::{
    Access, Blob, Client, FairShare, Repository, SharedReads, WritePolicy, manifest_reference,
};

use crate::destination::{ContentOrigin, DestinationRegistry};
use crate::digest_tag_writes::DigestTagWrites;
use crate::head_cache::HeadCache;
use crate::listing_gaps::ListingGaps;
use crate::lock::lock;
use crate::manifest_cache::ManifestCache;
use crate::options::{Options, RunContext};
use crate::progress::Progress;
use crate::read_blobs::ReadBlobs;
use crate::report::{RowError, Summary};
use crate::repository_setup::RepositorySetup;
use crate::row::Row;
use crate::source_group::SourceGroups;
use crate::source_lists::SourceLists;
use crate::text_blobs::TextBlobs;
use crate::write_plan::WritePlan;

/// Maximum number of images that are copied at the same time, besides
/// [`CONCURRENT_COPIES_PER_SOURCE`]. Each keeps its manifests in memory, and an interrupted run
/// finishes or abandons that many.
const CONCURRENT_COPIES: usize = 120;
/// Images of each source host that are copied whatever the other hosts do: one that hardly responds
/// must not stop them.
const CONCURRENT_COPIES_PER_SOURCE: usize = 8;

/// The state that all rows of a run share.
#[derive(Debug)]
pub(crate) struct Engine<'a> {
    /// Sends only the writes of the plan.
    pub(crate) client: Client,
    pub(crate) plan: Arc<WritePlan>,
    pub(crate) options: &'a Options,
    pub(crate) progress: &'a Arc<Progress>,
    pub(crate) heads: HeadCache,
    pub(crate) manifests: ManifestCache,
    pub(crate) texts: TextBlobs,
    pub(crate) source_lists: SourceLists,
    /// The blobs that the gate has read.
    pub(crate) read_blobs: ReadBlobs,
    pub(crate) digest_tag_writes: DigestTagWrites,
    /// True for a blob that a source repository has, by repository and digest.
    pub(crate) shown_blobs: OnceMap<(String, Digest), bool>,
    /// Blobs whose descriptors have no size, by source repository and digest.
    pub(crate) sized_blobs: OnceMap<(String, Digest), Blob>,
    /// The source images that several registries need.
    pub(crate) groups: SourceGroups,
    /// The reads of their blobs.
    pub(crate) reads: SharedReads,
    pub(crate) blob_counts: BlobCounts,
    pub(crate) setup: RepositorySetup,
    pub(crate) listing_gaps: ListingGaps,
    /// One permit for each image that is copied, by source host; closed when the run is interrupted.
    pub(crate) copy_permits: FairShare<String>,
    /// By host.
    registries: Mutex<HashMap<String, Arc<DestinationRegistry>>>,
}

impl<'a> Engine<'a> {
    pub(crate) fn new(context: &RunContext<'a>, plan: WritePlan) -> Self {
        let plan = Arc::new(plan);
        let policy = Arc::clone(&plan) as Arc<dyn WritePolicy>;
        Self {
            client: context.client.with_writes(policy),
            plan,
            options: context.options,
            progress: context.progress,
            heads: HeadCache::default(),
            manifests: ManifestCache::default(),
            texts: TextBlobs::default(),
            source_lists: SourceLists::new(Arc::clone(&context.options.tag_lists)),
            read_blobs: ReadBlobs::default(),
            digest_tag_writes: DigestTagWrites::default(),
            shown_blobs: OnceMap::default(),
            sized_blobs: OnceMap::default(),
            groups: SourceGroups::default(),
            reads: SharedReads::default(),
            blob_counts: BlobCounts::default(),
            setup: RepositorySetup::default(),
            listing_gaps: ListingGaps::default(),
            copy_permits: FairShare::new(CONCURRENT_COPIES, CONCURRENT_COPIES_PER_SOURCE),
            registries: Mutex::default(),
        }
    }

    /// Returns the state of the destination registry at a host.
    pub(crate) fn registry(&self, host: &str) -> Arc<DestinationRegistry> {
        let mut registries = lock(&self.registries);
        match registries.get(host) {
            Some(registry) => Arc::clone(registry),
            None => {
                let registry = Arc::new(DestinationRegistry::new());
                registries.insert(host.to_owned(), Arc::clone(&registry));
                registry
            }
        }
    }

    /// Lets blob copies start at every registry, with the mount candidates known so far.
    pub(crate) fn close_candidates(&self) {
        for registry in lock(&self.registries).values() {
            registry.close_candidates();
        }
    }

    /// Returns the destination repository of a row.
    ///
    /// # Errors
    ///
    /// [`RowError::Name`], and [`RowError::SameLocation`] for a row that would be copied onto its
    /// own source.
    pub(crate) fn destination_of(&self, row: &Row) -> Result<Repository, RowError> {
        let access = if self.options.dry_run {
            Access::Pull
        } else {
            Access::Push
        };
        let destination = self.client.destination(&row.destination, access);
        let destination = destination.map_err(RowError::Name)?;
        let sources = self.client.sources(&row.source).map_err(RowError::Name)?;
        let from = manifest_reference(&row.source).map_err(RowError::Name)?;
        let to = manifest_reference(&row.destination).map_err(RowError::Name)?;
        if from == to && sources.contains(&destination) {
            return Err(RowError::SameLocation {
                location: format!("{destination}:{to}"),
            });
        }
        Ok(destination)
    }
}

/// Counts of the blobs of a run.
#[derive(Debug, Default)]
pub(crate) struct BlobCounts {
    pub(crate) copied: AtomicU64,
    pub(crate) mounted: AtomicU64,
    pub(crate) present: AtomicU64,
    pub(crate) bytes: AtomicU64,
}

impl BlobCounts {
    /// Counts a blob.
    pub(crate) fn add(&self, origin: ContentOrigin) {
        self.of(origin).fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a blob as sent that was counted with another origin.
    pub(crate) fn replace_with_sent(&self, counted: Option<ContentOrigin>) {
        if let Some(origin) = counted {
            self.of(origin).fetch_sub(1, Ordering::Relaxed);
        }
        self.add(ContentOrigin::Sent);
    }

    fn of(&self, origin: ContentOrigin) -> &AtomicU64 {
        match origin {
            ContentOrigin::Sent => &self.copied,
            ContentOrigin::Mounted => &self.mounted,
            ContentOrigin::Present => &self.present,
        }
    }

    pub(crate) fn add_to(&self, summary: &mut Summary) {
        summary.blobs_copied = self.copied.load(Ordering::Relaxed);
        summary.blobs_mounted = self.mounted.load(Ordering::Relaxed);
        summary.blobs_present = self.present.load(Ordering::Relaxed);
        summary.bytes_copied = self.bytes.load(Ordering::Relaxed);
    }
}
