//! The manifests of sources that were fetched last.

use bytes::Bytes;
use image_name::Digest;
use registry_client::{Error, Manifest, Repository};

use crate::recent_map::RecentMap;

/// Maximum number of cached manifests.
const MAX_ENTRIES: usize = 2048;
/// Maximum size of a cached manifest in bytes.
const MAX_SIZE: usize = 64 * 1024;
/// Maximum size of all cached manifests in bytes.
const MAX_CACHED: usize = 4 * 1024 * 1024;

/// A cache of the manifests that were fetched last, by digest. Rows that share an image follow
/// each other in a run, and each fetch counts against the pull quota.
///
/// A manifest that was read with credentials is given to rows of the same source only: an index
/// can list the digest of another repository's private image.
#[derive(Debug)]
pub(crate) struct ManifestCache {
    manifests: RecentMap<Key, CachedManifest>,
}

/// A manifest and the repository that it was read from.
#[derive(Debug, Clone)]
struct CachedManifest {
    manifest: Manifest,
    source: Repository,
    /// The memory of a small manifest is not counted for the unit that has read it, because it stays in
    /// the cache.
    is_small: bool,
}

/// The source is `None` for the first repository with the digest.
type Key = (Digest, Option<String>);

impl CachedManifest {
    fn new(manifest: Manifest, source: Repository) -> Self {
        let is_small = manifest.bytes.len() <= MAX_SIZE;
        let bytes = match is_small {
            true => Bytes::copy_from_slice(&manifest.bytes),
            false => manifest.bytes,
        };
        Self {
            manifest: Manifest { bytes, ..manifest },
            source,
            is_small,
        }
    }

    /// Returns true if a row of another source may use the manifest without a request: everyone
    /// may read it, and its type does not depend on the registry.
    fn is_for_all(&self) -> bool {
        self.source.was_read_anonymously() && self.manifest.has_own_media_type()
    }
}

impl Default for ManifestCache {
    fn default() -> Self {
        let size_of = |cached: &CachedManifest| cached.manifest.bytes.len();
        Self {
            manifests: RecentMap::new(MAX_ENTRIES, MAX_CACHED, size_of),
        }
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
        match cached {
            Some(cached) if cached.is_small => repository.counted(cached.manifest).await.map(Some),
            cached => Ok(cached.map(|cached| cached.manifest)),
        }
    }

    /// Keeps a small manifest that was read under a tag.
    pub(crate) fn note(&self, repository: &Repository, manifest: &Manifest) {
        let cached = CachedManifest::new(manifest.clone(), repository.clone());
        if cached.is_small {
            let cell = self.manifests.cell(&(manifest.digest.clone(), None));
            // Set already if another row has read it.
            let _ = cell.set(cached);
        }
    }

    /// Returns true if no request is needed for a manifest.
    pub(crate) fn has(&self, repository: &Repository, digest: &Digest) -> bool {
        let sources = [None, Some(repository.to_string())];
        sources.into_iter().any(|source| {
            let cached = self.manifests.get(&(digest.clone(), source));
            cached.is_some_and(|cached| cached.source == *repository || cached.is_for_all())
        })
    }

    async fn fetch(
        &self,
        repository: &Repository,
        key: Key,
    ) -> Result<Option<CachedManifest>, Error> {
        let cell = self.manifests.cell(&key);
        // A missing manifest is not cached: another repository may have it.
        let fetch = || async {
            let fetched = repository.manifest(&key.0).await;
            let manifest = fetched.map_err(Some)?.ok_or(None)?;
            Ok(CachedManifest::new(manifest, repository.clone()))
        };
        let cached = match cell.get_or_try_init(fetch).await {
            Ok(cached) => cached.clone(),
            Err(Some(error)) => return Err(error),
            Err(None) => return Ok(None),
        };
        if !cached.is_small {
            self.manifests.remove(&key);
        }
        Ok(Some(cached))
    }
}
