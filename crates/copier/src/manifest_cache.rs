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

type Cell = Arc<OnceCell<CachedManifest>>;

/// A cache of the manifests that were fetched last, by digest. Rows that share an image follow
/// each other in a list, and each fetch counts against the pull quota.
///
/// A manifest that was read with credentials is given to rows of the same source only: an index
/// can list the digest of another repository's private image.
#[derive(Debug, Default)]
pub(crate) struct ManifestCache {
    entries: Mutex<Entries>,
}

/// A manifest and the repository that it was read from.
#[derive(Debug, Clone)]
struct CachedManifest {
    manifest: Manifest,
    source: Repository,
}

/// The source is `None` for the first repository with the digest.
type Key = (Digest, Option<String>);

#[derive(Debug, Default)]
struct Entries {
    cells: HashMap<Key, Cell>,
    /// Oldest first.
    order: VecDeque<Key>,
}

impl CachedManifest {
    /// Returns true if a row of another source may use the manifest without a request: everyone
    /// may read it, and its type does not depend on the registry.
    fn is_for_all(&self) -> bool {
        self.source.was_read_anonymously() && self.manifest.has_own_media_type()
    }
}

impl ManifestCache {
    /// Returns a manifest, `None` if the repository lacks it.
    pub(crate) async fn get(
        &self,
        repository: &Repository,
        digest: &Digest,
    ) -> Result<Option<Manifest>, Error> {
        let first = self.fetch(repository, (digest.clone(), None)).await?;
        let cached = match first {
            Some(cached) if cached.source != *repository && !cached.is_for_all() => {
                let key = (digest.clone(), Some(repository.to_string()));
                self.fetch(repository, key).await?
            }
            first => first,
        };
        Ok(cached.map(|cached| cached.manifest))
    }

    async fn fetch(
        &self,
        repository: &Repository,
        key: Key,
    ) -> Result<Option<CachedManifest>, Error> {
        let cell = self.cell(&key);
        // A missing manifest is not cached: another repository may have it.
        let fetch = || async {
            let fetched = repository.manifest(&key.0).await;
            let manifest = fetched.map_err(Some)?.ok_or(None)?;
            let source = repository.clone();
            Ok(CachedManifest { manifest, source })
        };
        let cached = match cell.get_or_try_init(fetch).await {
            Ok(cached) => cached.clone(),
            Err(Some(error)) => return Err(error),
            Err(None) => return Ok(None),
        };
        if cached.manifest.bytes.len() > MAX_SIZE {
            lock(&self.entries).cells.remove(&key);
        }
        Ok(Some(cached))
    }

    fn cell(&self, key: &Key) -> Cell {
        let mut entries = lock(&self.entries);
        if let Some(cell) = entries.cells.get(key) {
            return Arc::clone(cell);
        }
        if entries.order.len() >= MAX_ENTRIES
            && let Some(oldest) = entries.order.pop_front()
        {
            entries.cells.remove(&oldest);
        }
        entries.order.push_back(key.clone());
        Arc::clone(entries.cells.entry(key.clone()).or_default())
    }
}
