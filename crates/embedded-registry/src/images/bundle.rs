//! A manifest and everything that it refers to.

use std::collections::HashSet;

use bytes::Bytes;
use oci_spec::image::Digest;
use serde_json::{Value, json};

use super::content::Content;
use super::platform::Platform;
use crate::server::RunningRegistry;

/// A manifest with the blobs and manifests that it refers to, directly or indirectly.
#[derive(Clone, Debug)]
pub struct Bundle {
    blobs: Vec<Content>,
    /// The manifests below the root, children first: a registry accepts them in this order.
    descendants: Vec<Content>,
    root: Content,
    platform: Option<Platform>,
    artifact_type: Option<String>,
}

impl Bundle {
    pub(super) fn new(blobs: Vec<Content>, descendants: Vec<Content>, root: Content) -> Self {
        Self {
            blobs,
            descendants,
            root,
            platform: None,
            artifact_type: None,
        }
    }

    pub(super) fn on_platform(mut self, platform: Platform) -> Self {
        self.platform = Some(platform);
        self
    }

    pub(super) fn with_artifact_type(mut self, artifact_type: &str) -> Self {
        self.artifact_type = Some(artifact_type.to_owned());
        self
    }

    /// Creates a bundle of one manifest with the given bytes.
    pub fn verbatim(media_type: &str, bytes: impl Into<Bytes>) -> Self {
        Self::new(Vec::new(), Vec::new(), Content::new(media_type, bytes))
    }

    /// Replaces the bytes of the root manifest, for instance to change its whitespace.
    #[must_use]
    pub fn rewritten(mut self, rewrite: impl FnOnce(&str) -> String) -> Self {
        let text = String::from_utf8_lossy(self.root.bytes());
        self.root = Content::new(self.root.media_type(), rewrite(&text));
        self
    }

    /// Returns the root manifest.
    pub fn root(&self) -> &Content {
        &self.root
    }

    /// Returns the digest of the root manifest.
    pub fn digest(&self) -> &Digest {
        self.root.digest()
    }

    /// Returns all blobs, each once.
    pub fn blobs(&self) -> Vec<&Content> {
        deduplicate(self.blobs.iter())
    }

    /// Returns all manifests, each once: children before their index, the root last.
    pub fn manifests(&self) -> Vec<&Content> {
        deduplicate(self.descendants.iter().chain([&self.root]))
    }

    /// Returns the descriptor of the root manifest, with platform and artifact type if it has them.
    pub fn descriptor(&self) -> Value {
        let mut descriptor = self.root.descriptor();
        if let Some(platform) = &self.platform {
            descriptor["platform"] = Value::Object(platform.fields());
        }
        if let Some(artifact_type) = &self.artifact_type {
            descriptor["artifactType"] = json!(artifact_type);
        }
        descriptor
    }

    /// Stores everything in a repository, and tags the root manifest if `tag` is given. Returns the
    /// root's digest.
    pub fn push(&self, registry: &RunningRegistry, repository: &str, tag: Option<&str>) -> Digest {
        for blob in self.blobs() {
            registry.put_blob(repository, blob.bytes().clone());
        }
        for manifest in &self.descendants {
            let bytes = manifest.bytes().clone();
            registry.put_manifest(repository, None, manifest.media_type(), bytes);
        }
        let bytes = self.root.bytes().clone();
        registry.put_manifest(repository, tag, self.root.media_type(), bytes)
    }

    /// Returns the blobs and the manifests, for an index that lists this bundle.
    pub(super) fn into_parts(self) -> (Vec<Content>, Vec<Content>) {
        let mut manifests = self.descendants;
        manifests.push(self.root);
        (self.blobs, manifests)
    }
}

fn deduplicate<'a>(contents: impl Iterator<Item = &'a Content>) -> Vec<&'a Content> {
    let mut seen = HashSet::new();
    contents
        .filter(|content| seen.insert(content.digest()))
        .collect()
}
