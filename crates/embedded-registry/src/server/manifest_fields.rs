//! The parts of a manifest that a registry reads: the content that the manifest refers to.

use oci_spec::image::Digest;
use serde::Deserialize;
use serde_json::{Value, json};

/// The fields of image manifests, indexes and deprecated artifact manifests that refer to other
/// content (image specification, "Image Manifest" and "Image Index").
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ManifestFields {
    pub(crate) media_type: Option<String>,
    artifact_type: Option<Value>,
    config: Option<Descriptor>,
    layers: Option<Vec<Descriptor>>,
    blobs: Option<Vec<Descriptor>>,
    manifests: Option<Vec<Descriptor>>,
    subject: Option<Subject>,
    annotations: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    media_type: Option<String>,
    digest: Digest,
    urls: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
struct Subject {
    digest: Option<Digest>,
}

impl ManifestFields {
    /// Parses a manifest of any type that is a JSON object.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }

    /// Returns the blobs that the repository must have. Layers with URLs are stored elsewhere.
    pub(crate) fn blobs(&self) -> impl Iterator<Item = &Digest> {
        self.config
            .iter()
            .chain(self.layers.iter().flatten())
            .chain(self.blobs.iter().flatten())
            .filter(|descriptor| descriptor.urls.as_ref().is_none_or(Vec::is_empty))
            .map(|descriptor| &descriptor.digest)
    }

    /// Returns the manifests that an index lists.
    pub(crate) fn children(&self) -> impl Iterator<Item = &Digest> {
        self.manifests.iter().flatten().map(|child| &child.digest)
    }

    pub(crate) fn subject(&self) -> Option<&Digest> {
        self.subject.as_ref()?.digest.as_ref()
    }

    /// Returns the entry of this manifest in a list of referrers. The config's media type replaces a
    /// missing artifact type (distribution specification, "Listing Referrers").
    pub(crate) fn referrer(&self, media_type: &str, digest: &Digest, size: usize) -> Referrer {
        let artifact_type = self
            .artifact_type
            .as_ref()
            .and_then(Value::as_str)
            .filter(|artifact_type| !artifact_type.is_empty())
            .or_else(|| self.config.as_ref()?.media_type.as_deref())
            .map(ToOwned::to_owned)
            .filter(|artifact_type| !artifact_type.is_empty());
        let mut descriptor = json!({
            "mediaType": media_type,
            "digest": digest.as_ref(),
            "size": size,
        });
        if let Some(artifact_type) = &artifact_type {
            descriptor["artifactType"] = json!(artifact_type);
        }
        if let Some(annotations) = &self.annotations {
            descriptor["annotations"] = json!(annotations);
        }
        Referrer {
            artifact_type,
            descriptor,
        }
    }
}

/// An entry of a list of referrers.
#[derive(Clone, Debug)]
pub(crate) struct Referrer {
    pub(crate) artifact_type: Option<String>,
    pub(crate) descriptor: Value,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest_of;

    fn parse(value: &Value) -> ManifestFields {
        ManifestFields::parse(value.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn blobs_leave_out_foreign_layers() {
        let (config, layer) = (digest_of(b"config"), digest_of(b"layer"));
        let manifest = parse(&json!({
            "config": {"mediaType": "c", "digest": config},
            "layers": [
                {"digest": layer},
                {"digest": digest_of(b"foreign"), "urls": ["https://example.com/layer"]},
            ],
        }));
        assert_eq!(manifest.blobs().collect::<Vec<_>>(), [&config, &layer]);
    }

    #[test]
    fn referrer_falls_back_to_the_config_type_without_artifact_type() {
        let digest = digest_of(b"x");
        let table = [
            (json!({"artifactType": "a"}), Some("a")),
            (
                json!({"config": {"mediaType": "c", "digest": digest}}),
                Some("c"),
            ),
            (
                json!({"artifactType": "", "config": {"mediaType": "c", "digest": digest}}),
                Some("c"),
            ),
            (json!({"manifests": []}), None),
        ];
        for (manifest, expected) in table {
            let referrer = parse(&manifest).referrer("m", &digest, 1);
            assert_eq!(referrer.artifact_type.as_deref(), expected, "{manifest}");
            assert_eq!(
                referrer
                    .descriptor
                    .get("artifactType")
                    .and_then(Value::as_str),
                expected,
                "{manifest}"
            );
        }
    }
}
