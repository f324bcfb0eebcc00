//! What all rows of a run share, and what one image's copying knows.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use image_name::{Digest, ManifestReference, RepositoryPath};
use once_map::OnceMap;
use registry_client::{Client, Manifest, Referrers, Repository, WritePolicy};
use tokio::sync::Semaphore;

use crate::destination::Destination;
use crate::digest_tags::DigestTags;
use crate::head_cache::HeadCache;
use crate::listing_gaps::{ListingGap, ListingGaps};
use crate::manifest_cache::ManifestCache;
use crate::progress::Progress;
use crate::report::{RowError, Summary};
use crate::row::Options;
use crate::write_plan::WritePlan;

/// Images copied at once. Each has its manifests in memory, and when a run is
/// interrupted they are what it still ends, or has begun in vain.
const COPIES: usize = 128;

/// What all rows of a run share.
#[derive(Debug)]
pub(crate) struct Engine<'a> {
    /// Sends the writes of the plan.
    pub(crate) client: Client,
    pub(crate) plan: Arc<WritePlan>,
    pub(crate) options: &'a Options,
    pub(crate) progress: &'a Arc<Progress>,
    pub(crate) heads: HeadCache,
    pub(crate) manifests: ManifestCache,
    pub(crate) digest_tags: OnceMap<String, Result<Arc<DigestTags>, registry_client::Error>>,
    /// By source repository and digest.
    pub(crate) referrers: OnceMap<(String, Digest), Result<Referrers, registry_client::Error>>,
    pub(crate) blob_counts: BlobCounts,
    pub(crate) listing_gaps: ListingGaps,
    /// A place for each image that is being copied; closed when the run is to
    /// end.
    pub(crate) copying: Semaphore,
    destinations: Mutex<HashMap<String, Arc<Destination>>>,
}

impl<'a> Engine<'a> {
    pub(crate) fn new(
        client: &Client,
        plan: WritePlan,
        options: &'a Options,
        progress: &'a Arc<Progress>,
    ) -> Self {
        let plan = Arc::new(plan);
        Self {
            client: client.with_writes(Arc::clone(&plan) as Arc<dyn WritePolicy>),
            plan,
            options,
            progress,
            heads: HeadCache::new(),
            manifests: ManifestCache::default(),
            digest_tags: OnceMap::default(),
            referrers: OnceMap::default(),
            blob_counts: BlobCounts::default(),
            listing_gaps: ListingGaps::default(),
            copying: Semaphore::new(COPIES),
            destinations: Mutex::default(),
        }
    }

    /// No registry is waited for any longer.
    pub(crate) fn finish_sweeps(&self) {
        let all = self
            .destinations
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        all.values()
            .for_each(|destination| destination.finish_sweep());
    }

    /// What is known of the registry at this host.
    pub(crate) fn destination(&self, host: &str) -> Arc<Destination> {
        let mut all = self
            .destinations
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match all.get(host) {
            Some(destination) => Arc::clone(destination),
            None => {
                let destination = Arc::new(Destination::new());
                all.insert(host.to_owned(), Arc::clone(&destination));
                destination
            }
        }
    }
}

/// Counts of blobs over a run.
#[derive(Debug, Default)]
pub(crate) struct BlobCounts {
    pub(crate) copied: AtomicU64,
    pub(crate) mounted: AtomicU64,
    pub(crate) present: AtomicU64,
    pub(crate) bytes: AtomicU64,
}

impl BlobCounts {
    pub(crate) fn fill(&self, summary: &mut Summary) {
        summary.blobs_copied = self.copied.load(Ordering::Relaxed);
        summary.blobs_mounted = self.mounted.load(Ordering::Relaxed);
        summary.blobs_present = self.present.load(Ordering::Relaxed);
        summary.bytes_copied = self.bytes.load(Ordering::Relaxed);
    }
}

/// One image on its way from a repository to a repository.
#[derive(Debug)]
pub(crate) struct ImageCopy<'a> {
    pub(crate) engine: &'a Engine<'a>,
    pub(crate) source: &'a Repository,
    pub(crate) target: &'a Repository,
    /// The target's name, shared with what is known of its registry.
    pub(crate) target_name: RepositoryPath,
    pub(crate) destination: &'a Destination,
    /// Bytes sent for this row.
    bytes: AtomicU64,
    /// ManifestCache written for this row.
    written: AtomicU64,
    warnings: Mutex<Vec<String>>,
    listing_gaps: Mutex<BTreeSet<ListingGap>>,
}

impl<'a> ImageCopy<'a> {
    pub(crate) fn new(
        engine: &'a Engine<'a>,
        source: &'a Repository,
        target: &'a Repository,
        destination: &'a Destination,
    ) -> Self {
        Self {
            engine,
            source,
            target,
            target_name: target.path().clone(),
            destination,
            bytes: AtomicU64::new(0),
            written: AtomicU64::new(0),
            warnings: Mutex::default(),
            listing_gaps: Mutex::default(),
        }
    }

    /// Writes a manifest to the target.
    pub(crate) async fn put(
        &self,
        reference: impl Into<ManifestReference>,
        manifest: &Manifest,
    ) -> Result<(), RowError> {
        let put = self.target.put_manifest(reference, manifest).await;
        self.written.fetch_add(1, Ordering::Relaxed);
        put.map(drop).map_err(RowError::Write)
    }

    /// Whether anything was written for this row.
    pub(crate) fn has_written(&self) -> bool {
        self.written.load(Ordering::Relaxed) > 0
    }

    pub(crate) fn sent(&self, bytes: u64) {
        self.engine
            .blob_counts
            .bytes
            .fetch_add(bytes, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn bytes_sent(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Something the reader of the report should know; said once.
    pub(crate) fn warn(&self, warning: String) {
        let mut warnings = self.warnings.lock().unwrap_or_else(PoisonError::into_inner);
        if !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }

    /// The source has not listed something, which may be wrong.
    pub(crate) fn add_listing_gap(&self, denied: ListingGap) {
        let mut listing_gaps = self
            .listing_gaps
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        listing_gaps.insert(denied);
    }

    pub(crate) fn take_listing_gaps(&self) -> BTreeSet<ListingGap> {
        std::mem::take(
            &mut *self
                .listing_gaps
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    pub(crate) fn take_warnings(&self) -> Vec<String> {
        std::mem::take(&mut *self.warnings.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
