//! Indexes and manifest lists, nested or not.

use serde_json::{Map, Value, json};

use super::bundle::Bundle;
use super::content::Content;
use super::format::Format;
use super::image::Image;
use super::layer::Layer;
use super::platform::Platform;

/// A builder of an index.
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
    /// Creates an index without children.
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

    /// Adds an image, an artifact or another index with everything that it refers to.
    #[must_use]
    pub fn child(mut self, child: Bundle) -> Self {
        self.descriptors.push(child.descriptor());
        self.add_content(child);
        self
    }

    /// Lists a manifest without adding it to the bundle (sparse indexes).
    #[must_use]
    pub fn absent_child(mut self, child: &Bundle) -> Self {
        self.descriptors.push(child.descriptor());
        self
    }

    /// Adds an attestation of an image in the form of BuildKit: a manifest for the platform
    /// `unknown/unknown` that names the image in the annotations of its descriptor.
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
        self.add_content(attestation);
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

    /// Returns the index with everything that it refers to.
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

    fn add_content(&mut self, child: Bundle) {
        let (blobs, manifests) = child.into_parts();
        self.blobs.extend(blobs);
        self.manifests.extend(manifests);
    }
}
