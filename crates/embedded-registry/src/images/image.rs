//! An image for one platform.

use serde_json::{Map, Value, json};

use super::bundle::Bundle;
use super::content::Content;
use super::format::Format;
use super::layer::Layer;
use super::platform::Platform;

/// A builder of an image.
#[derive(Clone, Debug)]
pub struct Image {
    format: Format,
    platform: Platform,
    created: String,
    layers: Vec<Layer>,
    labels: Map<String, Value>,
    annotations: Map<String, Value>,
    subject: Option<Value>,
}

impl Image {
    /// Creates an image without layers.
    pub fn new(format: Format, platform: Platform) -> Self {
        Self {
            format,
            platform,
            created: EPOCH.to_owned(),
            layers: Vec::new(),
            labels: Map::new(),
            annotations: Map::new(),
            subject: None,
        }
    }

    /// Sets the time of creation (RFC 3339). The default is the start of 1970.
    #[must_use]
    pub fn created(mut self, time: &str) -> Self {
        time.clone_into(&mut self.created);
        self
    }

    /// Adds a layer on top.
    #[must_use]
    pub fn layer(mut self, layer: Layer) -> Self {
        self.layers.push(layer);
        self
    }

    /// Adds a label to the config.
    #[must_use]
    pub fn label(mut self, name: &str, value: &str) -> Self {
        self.labels.insert(name.to_owned(), json!(value));
        self
    }

    /// Adds an annotation to the manifest.
    #[must_use]
    pub fn annotation(mut self, name: &str, value: &str) -> Self {
        self.annotations.insert(name.to_owned(), json!(value));
        self
    }

    /// Makes the image a referrer of another manifest.
    #[must_use]
    pub fn subject(mut self, subject: &Bundle) -> Self {
        self.subject = Some(subject.root().descriptor());
        self
    }

    /// Returns the manifest with the config and the layers that are not foreign.
    pub fn build(self) -> Bundle {
        let config = Content::new(self.format.config(), self.config().to_string());
        let mut blobs = vec![config];
        let mut layers = Vec::new();
        for layer in &self.layers {
            let (descriptor, blob) = layer.descriptor(self.format);
            layers.push(descriptor);
            blobs.extend(blob);
        }
        let mut manifest = json!({
            "schemaVersion": 2,
            "mediaType": self.format.manifest(),
            "config": blobs[0].descriptor(),
            "layers": layers,
        });
        if let Some(subject) = self.subject {
            manifest["subject"] = subject;
        }
        if !self.annotations.is_empty() {
            manifest["annotations"] = Value::Object(self.annotations);
        }
        let root = Content::new(self.format.manifest(), manifest.to_string());
        Bundle::new(blobs, Vec::new(), root).on_platform(self.platform)
    }

    fn config(&self) -> Value {
        let mut config = self.platform.fields();
        let diff_ids: Vec<&str> = self
            .layers
            .iter()
            .map(|layer| layer.diff_id().as_ref())
            .collect();
        let history: Vec<Value> = (1..=self.layers.len())
            .map(|number| json!({"created": EPOCH, "created_by": format!("layer {number}")}))
            .collect();
        config.insert("created".to_owned(), json!(self.created));
        config.insert("config".to_owned(), json!({"Labels": self.labels}));
        config.insert(
            "rootfs".to_owned(),
            json!({"type": "layers", "diff_ids": diff_ids}),
        );
        config.insert("history".to_owned(), json!(history));
        Value::Object(config)
    }
}

/// The default time of creation. It is fixed, so that equal seeds make equal digests.
const EPOCH: &str = "1970-01-01T00:00:00Z";
