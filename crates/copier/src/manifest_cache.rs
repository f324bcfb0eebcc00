//! The manifests of sources that were fetched last.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use image_name::Digest;
use registry_client::{Error, Manifest, Repository};
use tokio::sync::OnceCell;

use crate::lock::lock;

/// Maximum number of cached manifests, together at most 16 MiB.
const MAX_ENTRIES: usize = 256;
/// Maximum size of a cached manifest in bytes.
const MAX_SIZE: usize = 64 * 1024;

type Cell = Arc<OnceCell<Manifest>>;

/// A cache of the manifests that were fetched last, by digest. Rows that share an image follow
/// each other in a list, and each fetch counts against the pull quota.
#[derive(Debug, Default)]
pub(crate) struct ManifestCache {
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    cells: HashMap<Digest, Cell>,
    /// Oldest first.
    order: VecDeque<Digest>,
}

impl ManifestCache {
    /// Returns a manifest, `None` if the repository lacks it.
    pub(crate) async fn get(
        &self,
        repository: &Repository,
        digest: &Digest,
    ) -> Result<Option<Manifest>, Error> {
        let cell = self.cell(digest);
        // A missing manifest is not cached: another repository may have it.
        let fetch = || async {
            let fetched = repository.manifest(digest).await;
            fetched.map_err(Some)?.ok_or(None)
        };
        let manifest = match cell.get_or_try_init(fetch).await {
            Ok(manifest) => manifest.clone(),
            Err(Some(error)) => return Err(error),
            Err(None) => return Ok(None),
        };
        if manifest.bytes.len() > MAX_SIZE {
            lock(&self.entries).cells.remove(digest);
        }
        Ok(Some(manifest))
    }

    fn cell(&self, digest: &Digest) -> Cell {
        let mut entries = lock(&self.entries);
        if let Some(cell) = entries.cells.get(digest) {
            return Arc::clone(cell);
        }
        if entries.order.len() >= MAX_ENTRIES
            && let Some(oldest) = entries.order.pop_front()
        {
            entries.cells.remove(&oldest);
        }
        entries.order.push_back(digest.clone());
        Arc::clone(entries.cells.entry(digest.clone()).or_default())
    }
}
