//! ManifestCache of sources, each fetched once while it is of use.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use image_name::Digest;
use registry_client::{Error, Manifest, Repository};
use tokio::sync::OnceCell;

type Cell = Arc<OnceCell<Manifest>>;

/// The manifests last fetched, by digest: rows that share an image come one
/// after the other in a list, and a manifest costs pull quota.
#[derive(Debug, Default)]
pub(crate) struct ManifestCache {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    cells: HashMap<Digest, Cell>,
    order: VecDeque<Digest>,
}

/// With the size bound below, at most 16 MiB.
const KEPT: usize = 256;
/// Larger ones are not kept.
const KEPT_SIZE: usize = 64 * 1024;

impl ManifestCache {
    /// The manifest of this digest, `None` where the repository lacks it.
    pub(crate) async fn get(
        &self,
        repository: &Repository,
        digest: &Digest,
    ) -> Result<Option<Manifest>, Error> {
        let cell = self.cell(digest);
        // A repository that lacks it settles nothing: another may have it.
        let fetch = || async {
            let fetched = repository.manifest(digest).await;
            fetched.map_err(Some)?.ok_or(None)
        };
        let manifest = match cell.get_or_try_init(fetch).await {
            Ok(manifest) => manifest.clone(),
            Err(Some(error)) => return Err(error),
            Err(None) => return Ok(None),
        };
        if manifest.bytes.len() > KEPT_SIZE {
            self.lock().cells.remove(digest);
        }
        Ok(Some(manifest))
    }

    fn cell(&self, digest: &Digest) -> Cell {
        let mut kept = self.lock();
        if let Some(cell) = kept.cells.get(digest) {
            return Arc::clone(cell);
        }
        if kept.order.len() >= KEPT
            && let Some(oldest) = kept.order.pop_front()
        {
            kept.cells.remove(&oldest);
        }
        kept.order.push_back(digest.clone());
        Arc::clone(kept.cells.entry(digest.clone()).or_default())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
