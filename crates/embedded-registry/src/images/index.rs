//! Indexes and manifest lists, of any depth.

use serde_json::{Map, Value, json};

use super::bundle::Bundle;
use super::content::Content;
use super::format::Format;
use super::image::Image;
use super::layer::Layer;
use super::platform::Platform;

/// An index that is being put together.
#[derive(Clone, Debug)]
pub struct Index {
    format: Format,
    descriptors: Vec<Value>,
    blobs: Vec<Content>,
    manifests: Vec<Content>,
    annotations: Map<String, Value>,
    subject: Option<Value>,
}

impl Index {
    /// An index without children.
    pub fn new(format: Format) -> Self {
        Self {
            format,
            descriptors: Vec::new(),
            blobs: Vec::new(),
            manifests: Vec::new(),
            annotations: Map::new(),
            subject: None,
        }
    }

    /// Lists an image, an artifact or another index, and holds what is under it.
    #[must_use]
    pub fn child(mut self, child: Bundle) -> Self {
        self.descriptors.push(child.descriptor());
        self.hold(child);
        self
    }

    /// Lists a manifest that the bundle does not hold (sparse indexes).
    #[must_use]
    pub fn absent_child(mut self, child: &Bundle) -> Self {
        self.descriptors.push(child.descriptor());
        self
    }

    /// Lists an attestation of an image, as BuildKit makes them: a manifest for the platform
    /// `unknown/unknown` whose descriptor names the image in its annotations.
    #[must_use]
    pub fn attestation(mut self, image: &Bundle) -> Self {
        let statement = json!({
            "_type": "https://in-toto.io/Statement/v0.1",
            "predicateType": "https://slsa.dev/provenance/v0.2",
            "subject": [{"digest": {"sha256": image.digest().digest()}}],
        });
        let layer = Layer::typed("application/vnd.in-toto+json", statement.to_string());
        let attestation = Image::new(Format::Oci, Platform::unknown())
            .layer(layer)
            .build();
        let mut descriptor = attestation.descriptor();
        descriptor["annotations"] = json!({
            "vnd.docker.reference.digest": image.digest().as_ref(),
            "vnd.docker.reference.type": "attestation-manifest",
        });
        self.descriptors.push(descriptor);
        self.hold(attestation);
        self
    }

    /// Adds an annotation to the index.
    #[must_use]
    pub fn annotation(mut self, name: &str, value: &str) -> Self {
        self.annotations.insert(name.to_owned(), json!(value));
        self
    }

    /// Makes the index a referrer of another manifest.
    #[must_use]
    pub fn subject(mut self, subject: &Bundle) -> Self {
        self.subject = Some(subject.root().descriptor());
        self
    }

    /// The index with everything under it.
    pub fn build(self) -> Bundle {
        let mut index = json!({
            "schemaVersion": 2,
            "mediaType": self.format.index(),
            "manifests": self.descriptors,
        });
        if let Some(subject) = self.subject {
            index["subject"] = subject;
        }
        if !self.annotations.is_empty() {
            index["annotations"] = Value::Object(self.annotations);
        }
        let root = Content::new(self.format.index(), index.to_string());
        Bundle::new(self.blobs, self.manifests, root)
    }

    fn hold(&mut self, child: Bundle) {
        let (blobs, manifests) = child.into_parts();
        self.blobs.extend(blobs);
        self.manifests.extend(manifests);
    }
}
