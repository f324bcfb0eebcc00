//! The images of a fake, as its API knows them.

use embedded_registry::RunningRegistry;
use oci_spec::image::Digest;
use serde_json::Value;

/// The images behind the API of a fake.
pub(super) struct Images<'a> {
    registry: &'a RunningRegistry,
}

impl<'a> Images<'a> {
    pub(super) fn new(registry: &'a RunningRegistry) -> Self {
        Self { registry }
    }

    /// Returns the digest of a tag.
    pub(super) fn digest(&self, repository: &str, tag: &str) -> Option<Digest> {
        Some(self.registry.tagged(repository, tag)?.digest)
    }

    /// Returns the tags of a manifest.
    pub(super) fn tags_of(&self, repository: &str, digest: &str) -> Vec<String> {
        let tags = self.registry.tags(repository).into_iter();
        tags.filter(|tag| {
            let found = self.digest(repository, tag);
            found.is_some_and(|found| found.as_ref() == digest)
        })
        .collect()
    }

    /// Returns the digests of all manifests.
    pub(super) fn digests(&self, repository: &str) -> Vec<String> {
        let manifests = self.registry.manifests(repository).into_iter();
        manifests
            .map(|manifest| manifest.digest.to_string())
            .collect()
    }

    /// Returns true if an index of the repository lists a manifest.
    pub(super) fn is_listed(&self, repository: &str, digest: &str) -> bool {
        let manifests = self.registry.manifests(repository);
        manifests.iter().any(|manifest| {
            let document: Value = serde_json::from_slice(&manifest.bytes).unwrap_or_default();
            let children = document["manifests"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            children.iter().any(|child| child["digest"] == digest)
        })
    }

    /// Removes a tag. Returns false if there was none.
    pub(super) fn remove_tag(&self, repository: &str, tag: &str) -> bool {
        self.registry.remove_tag(repository, tag)
    }

    /// Removes a manifest and its tags. Returns false if there was none.
    pub(super) fn remove(&self, repository: &str, digest: &str) -> bool {
        let digest: Option<Digest> = digest.parse().ok();
        digest.is_some_and(|digest| self.registry.remove_manifest(repository, &digest))
    }
}
