//! Artifacts: signatures, SBOMs, charts and other content that is not an image.

use bytes::Bytes;
use oci_spec::image::Digest;
use serde_json::{Map, Value, json};

use super::bundle::Bundle;
use super::content::Content;
use super::format::Format;

/// The media type and the bytes of the empty config (image specification, "Guidance for an Empty
/// Descriptor").
const EMPTY: (&str, &str) = ("application/vnd.oci.empty.v1+json", "{}");

/// A builder of an artifact: an image manifest with any content.
#[derive(Clone, Debug)]
pub struct Artifact {
    artifact_type: Option<String>,
    config: Content,
    blobs: Vec<Content>,
    layers: Vec<Value>,
    annotations: Map<String, Value>,
    subject: Option<Value>,
}

impl Artifact {
    /// Creates an artifact of that type with the empty config.
    pub fn new(artifact_type: &str) -> Self {
        let mut artifact = Self::image(EMPTY.0, EMPTY.1);
        artifact.artifact_type = Some(artifact_type.to_owned());
        artifact
    }

    /// Creates an artifact whose type is the media type of its config, as before `artifactType`.
    pub fn image(config_type: &str, config: impl Into<Bytes>) -> Self {
        Self {
            artifact_type: None,
            config: Content::new(config_type, config),
            blobs: Vec::new(),
            layers: Vec::new(),
            annotations: Map::new(),
            subject: None,
        }
    }

    /// Creates a signature in the form that cosign stores under a [`digest_tag`] with the suffix
    /// `sig`.
    pub fn cosign_signature(image: &Digest) -> Self {
        let payload = json!({
            "critical": {
                "identity": {"docker-reference": ""},
                "image": {"docker-manifest-digest": image.as_ref()},
                "type": "cosign container image signature",
            },
            "optional": null,
        });
        let mut signature = Self::image("application/vnd.oci.image.config.v1+json", "{}").blob(
            "application/vnd.dev.cosign.simplesigning.v1+json",
            payload.to_string(),
        );
        if let Some(layer) = signature.layers.first_mut() {
            layer["annotations"] =
                json!({"dev.cosignproject.cosign/signature": "bm90IHNpZ25lZA=="});
        }
        signature
    }

    /// Adds a blob as a layer.
    #[must_use]
    pub fn blob(mut self, media_type: &str, bytes: impl Into<Bytes>) -> Self {
        let blob = Content::new(media_type, bytes);
        self.layers.push(blob.descriptor());
        self.blobs.push(blob);
        self
    }

    /// Adds an annotation to the manifest.
    #[must_use]
    pub fn annotation(mut self, name: &str, value: &str) -> Self {
        self.annotations.insert(name.to_owned(), json!(value));
        self
    }

    /// Makes the artifact a referrer of another manifest.
    #[must_use]
    pub fn subject(mut self, subject: &Bundle) -> Self {
        self.subject = Some(subject.root().descriptor());
        self
    }

    /// Returns the config, the blobs and the manifest.
    pub fn build(self) -> Bundle {
        let mut manifest = json!({"schemaVersion": 2, "mediaType": Format::Oci.manifest()});
        if let Some(artifact_type) = &self.artifact_type {
            manifest["artifactType"] = json!(artifact_type);
        }
        manifest["config"] = self.config.descriptor();
        manifest["layers"] = json!(self.layers);
        if let Some(subject) = self.subject {
            manifest["subject"] = subject;
        }
        if !self.annotations.is_empty() {
            manifest["annotations"] = Value::Object(self.annotations);
        }
        let root = Content::new(Format::Oci.manifest(), manifest.to_string());
        let mut blobs = vec![self.config];
        blobs.extend(self.blobs);
        let bundle = Bundle::new(blobs, Vec::new(), root);
        match &self.artifact_type {
            Some(artifact_type) => bundle.with_artifact_type(artifact_type),
            None => bundle,
        }
    }
}

/// Returns the tag for content that is attached to a digest: `sha256-<hex>` for the referrers tag
/// schema (distribution specification, "Referrers Tag Schema"), with the suffix `.sig`, `.att` or
/// `.sbom` for cosign.
///
/// ```
/// use embedded_registry::{digest_of, images::digest_tag};
///
/// assert!(digest_tag(&digest_of(b""), Some("sig")).ends_with("7852b855.sig"));
/// ```
pub fn digest_tag(digest: &Digest, suffix: Option<&str>) -> String {
    let tag = digest.as_ref().replacen(':', "-", 1);
    match suffix {
        Some(suffix) => format!("{tag}.{suffix}"),
        None => tag,
    }
}
