//! A manifest with everything under it.

use std::collections::HashSet;

use bytes::Bytes;
use oci_spec::image::Digest;
use serde_json::{Value, json};

use super::content::Content;
use super::platform::Platform;
use crate::RunningRegistry;

/// What has to be in a repository for one manifest to be whole.
#[derive(Clone, Debug)]
pub struct Bundle {
    blobs: Vec<Content>,
    /// Those under the root, in an order in which a registry takes them.
    under: Vec<Content>,
    root: Content,
    platform: Option<Platform>,
    artifact_type: Option<String>,
}

impl Bundle {
    pub(super) fn new(blobs: Vec<Content>, under: Vec<Content>, root: Content) -> Self {
        Self {
            blobs,
            under,
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

    /// A manifest of any type with nothing under it, byte for byte.
    pub fn verbatim(media_type: &str, bytes: impl Into<Bytes>) -> Self {
        Self::new(Vec::new(), Vec::new(), Content::new(media_type, bytes))
    }

    /// The same with other bytes in the root manifest: a final newline, other whitespace.
    #[must_use]
    pub fn rewritten(mut self, rewrite: impl FnOnce(&str) -> String) -> Self {
        let text = String::from_utf8_lossy(self.root.bytes());
        self.root = Content::new(self.root.media_type(), rewrite(&text));
        self
    }

    /// The manifest that the others are under.
    pub fn root(&self) -> &Content {
        &self.root
    }

    /// The digest of the root manifest.
    pub fn digest(&self) -> &Digest {
        self.root.digest()
    }

    /// All blobs, each once.
    pub fn blobs(&self) -> Vec<&Content> {
        once(self.blobs.iter())
    }

    /// All manifests, each once, the root last and every other before what lists it.
    pub fn manifests(&self) -> Vec<&Content> {
        once(self.under.iter().chain([&self.root]))
    }

    /// The root's descriptor with its platform and artifact type, where it has them.
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

    /// Puts everything into a repository, the root under a tag if one is given.
    pub fn push(&self, registry: &RunningRegistry, repository: &str, tag: Option<&str>) -> Digest {
        for blob in self.blobs() {
            registry.put_blob(repository, blob.bytes().clone());
        }
        for manifest in &self.under {
            let bytes = manifest.bytes().clone();
            registry.put_manifest(repository, None, manifest.media_type(), bytes);
        }
        let bytes = self.root.bytes().clone();
        registry.put_manifest(repository, tag, self.root.media_type(), bytes)
    }

    /// Everything, for what lists this.
    pub(super) fn into_parts(self) -> (Vec<Content>, Vec<Content>) {
        let mut manifests = self.under;
        manifests.push(self.root);
        (self.blobs, manifests)
    }
}

fn once<'a>(contents: impl Iterator<Item = &'a Content>) -> Vec<&'a Content> {
    let mut seen = HashSet::new();
    contents
        .filter(|content| seen.insert(content.digest()))
        .collect()
}
