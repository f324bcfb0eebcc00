//! The heads of manifests, queried once for each reference and side.

use std::collections::HashSet;
use std::sync::Mutex;

use image_name::Digest;
use oci_spec::distribution::Reference;
use once_map::OnceMap;
use registry_client::{Client, Error, ManifestHead, Repository, manifest_reference};

use crate::lock::lock;
use crate::report::Moved;
use crate::row::Row;

/// The head of a source image, and the repository that has it.
#[derive(Debug, Clone)]
pub(crate) struct SourceHead {
    /// The repository that responded: the registry's own, or a mirror of it.
    pub(crate) repository: Repository,
    pub(crate) head: ManifestHead,
}

impl SourceHead {
    /// Replaces the digest with the approved one. If they differ, also returns the move.
    pub(crate) fn pin_to_approved(
        self,
        row: &Row,
        existing: Option<&ManifestHead>,
    ) -> (Self, Option<Moved>) {
        let approved = row.approved_digest();
        let Some(approved) = approved.filter(|approved| **approved != self.head.digest) else {
            return (self, None);
        };
        let moved = Moved {
            approved: approved.clone(),
            now: self.head.digest,
        };
        let head = existing.filter(|existing| existing.digest == *approved);
        let head = head.cloned().unwrap_or_else(|| ManifestHead {
            digest: approved.clone(),
            media_type: None,
            size: None,
        });
        (Self { head, ..self }, Some(moved))
    }
}

/// The heads of a run, by the text of their references, which takes less memory than the references.
/// Errors are boxed, since few heads are errors.
#[derive(Debug, Default)]
pub(crate) struct HeadCache {
    /// With the number of the location that has the image.
    sources: OnceMap<Box<str>, CachedHead<(usize, ManifestHead)>>,
    destinations: OnceMap<Box<str>, CachedHead<ManifestHead>>,
    /// The digests of the heads, each once: most destinations have that of their source.
    digests: Mutex<HashSet<Digest>>,
}

type CachedHead<T> = Result<Option<T>, Box<Error>>;

impl HeadCache {
    /// Returns the head from the first location that has the image. A mirror that fails or lacks
    /// it is skipped.
    pub(crate) async fn source(
        &self,
        client: &Client,
        reference: &Reference,
    ) -> Result<Option<SourceHead>, Error> {
        let query = || async {
            let mut response = Ok(None);
            let manifest = manifest_reference(reference)?;
            for (number, repository) in client.sources(reference)?.into_iter().enumerate() {
                response = repository.head_manifest(&manifest).await;
                if let Ok(Some(head)) = response {
                    return Ok(Some((number, self.sharing(head))));
                }
            }
            response.map(|_| None)
        };
        let query = async || Box::pin(query()).await.map_err(Box::new);
        let heads = &self.sources;
        let found = heads.get_or_init(key(reference), query).await;
        let found = found.map_err(|error| *error)?;
        let Some((number, head)) = found else {
            return Ok(None);
        };
        let repository = client.sources(reference)?.into_iter().nth(number);
        Ok(repository.map(|repository| SourceHead { repository, head }))
    }

    /// Returns the head of the destination.
    pub(crate) async fn destination(
        &self,
        repository: &Repository,
        reference: &Reference,
    ) -> Result<Option<ManifestHead>, Error> {
        let query = || async {
            let manifest = manifest_reference(reference)?;
            let head = repository.head_manifest(manifest).await?;
            Ok(head.map(|head| self.sharing(head)))
        };
        let heads = &self.destinations;
        let query = async || Box::pin(query()).await.map_err(Box::new);
        let head = heads.get_or_init(key(reference), query).await;
        head.map_err(|error| *error)
    }

    /// Returns the head with the digest that an equal head shares.
    fn sharing(&self, head: ManifestHead) -> ManifestHead {
        let mut digests = lock(&self.digests);
        let digest = match digests.get(&head.digest) {
            Some(known) => known.clone(),
            None => {
                digests.insert(head.digest.clone());
                head.digest
            }
        };
        ManifestHead { digest, ..head }
    }
}

fn key(reference: &Reference) -> Box<str> {
    reference.to_string().into()
}
