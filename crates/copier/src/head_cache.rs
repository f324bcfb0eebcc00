//! One HEAD for each distinct reference on each side.

use oci_spec::distribution::Reference;
use once_map::OnceMap;
use registry_client::{Client, Error, ManifestHead, Repository, manifest_reference};

use crate::report::Moved;
use crate::row::Row;

/// Where an image was found, and what it is.
#[derive(Debug, Clone)]
pub(crate) struct SourceHead {
    /// The repository that answered: the registry's, or a mirror of it.
    pub(crate) repository: Repository,
    /// What HEAD told.
    pub(crate) head: ManifestHead,
}

impl SourceHead {
    /// What a row is to get: what its source has or, where another digest was
    /// approved, that one.
    pub(crate) fn pin_to_approved(
        self,
        row: &Row,
        there: Option<&ManifestHead>,
    ) -> (Self, Option<Moved>) {
        let approved = row.approved.as_ref();
        let Some(approved) = approved.filter(|approved| **approved != self.head.digest) else {
            return (self, None);
        };
        let moved = Moved {
            approved: approved.clone(),
            now: self.head.digest,
        };
        let head = there.filter(|there| there.digest == *approved).cloned();
        let head = head.unwrap_or_else(|| ManifestHead {
            digest: approved.clone(),
            media_type: None,
            size: None,
        });
        (Self { head, ..self }, Some(moved))
    }
}

/// The heads of a run.
#[derive(Debug)]
pub(crate) struct HeadCache {
    sources: OnceMap<Reference, Result<Option<SourceHead>, Error>>,
    destinations: OnceMap<Reference, Result<Option<ManifestHead>, Error>>,
}

impl HeadCache {
    pub(crate) fn new() -> Self {
        Self {
            sources: OnceMap::default(),
            destinations: OnceMap::default(),
        }
    }

    /// The source's head from the first place that has it; a mirror that
    /// fails or lacks it is passed over.
    pub(crate) async fn source(
        &self,
        client: &Client,
        reference: &Reference,
    ) -> Result<Option<SourceHead>, Error> {
        let ask = || async {
            let mut answer = Ok(None);
            let manifest = manifest_reference(reference)?;
            for repository in client.sources(reference)? {
                answer = repository.head_manifest(&manifest).await;
                if let Ok(Some(head)) = answer {
                    return Ok(Some(SourceHead { repository, head }));
                }
            }
            answer.map(|_| None)
        };
        self.sources.get_or_init(reference.clone(), ask).await
    }

    /// The destination's head.
    pub(crate) async fn destination(
        &self,
        repository: &Repository,
        reference: &Reference,
    ) -> Result<Option<ManifestHead>, Error> {
        let ask = || async {
            repository
                .head_manifest(manifest_reference(reference)?)
                .await
        };
        self.destinations.get_or_init(reference.clone(), ask).await
    }
}
