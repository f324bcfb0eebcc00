//! Images that a registry has already, read where a blob is looked for.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::join_all;
use oci_spec::image::Digest;
use registry::{Blob, Content, Repository};
use tokio::sync::OnceCell;

use super::blob_places::BlobPlaces;
use crate::platform::Platform;

/// Images at the destination, with an order of likelihood for each search.
#[derive(Debug, Default)]
pub(crate) struct Candidates {
    list: Mutex<List>,
}

#[derive(Debug, Default)]
struct List {
    all: Vec<Arc<Candidate>>,
    by_repository: HashMap<Arc<str>, Vec<usize>>,
    by_source: HashMap<Arc<str>, Vec<usize>>,
}

#[derive(Debug)]
struct Candidate {
    repository: Repository,
    name: Arc<str>,
    /// A digest, where a HEAD told it, else the tag.
    reference: String,
    children: OnceCell<Vec<Child>>,
}

/// A child of an index that is a candidate.
#[derive(Debug)]
struct Child {
    platform: Option<Platform>,
    digest: Digest,
    read: OnceCell<()>,
}

/// What a blob is looked for near to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Near<'a> {
    /// The repository it is needed in.
    pub(crate) repository: &'a Arc<str>,
    /// The source it belongs to.
    pub(crate) source: &'a str,
    /// The platform of the image that needs it.
    pub(crate) platform: Option<&'a Platform>,
}

/// Candidates read at once.
const AT_ONCE: usize = 8;
/// Candidates looked at for any blob.
const LEAST: u64 = 64;
/// A candidate more for each this many bytes: reading a manifest costs about
/// as much as sending them.
const BYTES_PER_CANDIDATE: u64 = 256 * 1024;

impl Candidates {
    /// Adds an image that is (or, for a row not asked for, should be) there.
    pub(crate) fn add(
        &self,
        repository: Repository,
        name: Arc<str>,
        source: Arc<str>,
        reference: String,
    ) {
        let mut list = self.lock();
        let index = list.all.len();
        list.by_repository
            .entry(Arc::clone(&name))
            .or_default()
            .push(index);
        list.by_source.entry(source).or_default().push(index);
        list.all.push(Arc::new(Candidate {
            repository,
            name,
            reference,
            children: OnceCell::new(),
        }));
    }

    /// A repository that has the blob: reads candidates, likeliest first,
    /// until one names it or the search costs more than the blob.
    pub(crate) async fn find(
        &self,
        blobs: &BlobPlaces,
        blob: &Blob,
        near: Near<'_>,
    ) -> Option<Arc<str>> {
        let state = blobs.blob(&blob.digest);
        if let Some(place) = state.known_place(near.repository) {
            return Some(place);
        }
        let budget = LEAST + blob.size / BYTES_PER_CANDIDATE;
        let likeliest = self.likeliest(near, usize::try_from(budget).unwrap_or(usize::MAX));
        for some in likeliest.chunks(AT_ONCE) {
            join_all(
                some.iter()
                    .map(|candidate| candidate.read(blobs, near.platform)),
            )
            .await;
            if let Some(place) = state.known_place(near.repository) {
                return Some(place);
            }
        }
        None
    }

    /// Images of the same repository, then of the same source, then all.
    fn likeliest(&self, near: Near<'_>, most: usize) -> Vec<Arc<Candidate>> {
        let list = self.lock();
        let same_repository = list
            .by_repository
            .get(near.repository)
            .into_iter()
            .flatten()
            .rev();
        let same_source = list.by_source.get(near.source).into_iter().flatten().rev();
        let everything = 0..list.all.len();
        let mut seen = HashSet::new();
        let order = same_repository
            .chain(same_source)
            .copied()
            .chain(everything);
        order
            .filter(|index| seen.insert(*index))
            .take(most)
            .map(|index| Arc::clone(&list.all[index]))
            .collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Candidate {
    /// Notes the blobs of the image, of an index only the children of this
    /// platform. What cannot be read is no help and no failure.
    async fn read(&self, blobs: &BlobPlaces, platform: Option<&Platform>) {
        let children = self.children.get_or_init(|| self.read_root(blobs)).await;
        let wanted = children
            .iter()
            .filter(|child| match (platform, &child.platform) {
                (Some(wanted), Some(offered)) => wanted.accepts(offered),
                _ => true,
            });
        let reads = wanted.map(|child| async move {
            let read = || async { drop(self.read_image(blobs, child.digest.as_ref()).await) };
            child.read.get_or_init(read).await;
        });
        join_all(reads).await;
    }

    async fn read_root(&self, blobs: &BlobPlaces) -> Vec<Child> {
        self.read_image(blobs, &self.reference).await
    }

    /// Notes the blobs of an image manifest, or gives the children of an index.
    async fn read_image(&self, blobs: &BlobPlaces, reference: &str) -> Vec<Child> {
        let content = match self.repository.manifest(reference).await {
            Ok(Some(manifest)) => manifest.content().ok(),
            Ok(None) => None,
            Err(error) => {
                tracing::debug!(%error, "an image at the destination could not be read");
                None
            }
        };
        match content {
            Some(Content::Index { manifests, .. }) => manifests
                .iter()
                .map(|descriptor| Child {
                    platform: descriptor.platform().as_ref().map(Platform::from),
                    digest: descriptor.digest().clone(),
                    read: OnceCell::new(),
                })
                .collect(),
            Some(Content::Image { config, layers, .. }) => {
                for descriptor in config.as_deref().into_iter().chain(&layers) {
                    blobs.seen(descriptor.digest(), &self.name);
                }
                Vec::new()
            }
            None => Vec::new(),
        }
    }
}
