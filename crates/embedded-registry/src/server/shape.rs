//! What a registry has to understand of a manifest: what it refers to. The bytes stay as they are.

use oci_spec::image::Digest;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// The fields of image manifests, indexes and (deprecated) artifact manifests that name other
/// content (image specification, "Image Manifest" and "Image Index").
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Shape {
    pub(crate) media_type: Option<String>,
    artifact_type: Option<String>,
    config: Option<Target>,
    layers: Vec<Target>,
    blobs: Vec<Target>,
    manifests: Vec<Target>,
    subject: Option<Target>,
    annotations: Option<Map<String, Value>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Target {
    #[serde(default)]
    media_type: String,
    digest: Digest,
    #[serde(default)]
    urls: Vec<String>,
}

impl Shape {
    /// Reads a manifest of any kind that is a JSON object.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }

    /// Blobs that have to be in the repository. Layers with URLs are elsewhere on purpose.
    pub(crate) fn blobs(&self) -> impl Iterator<Item = &Digest> {
        self.config
            .iter()
            .chain(&self.layers)
            .chain(&self.blobs)
            .filter(|target| target.urls.is_empty())
            .map(|target| &target.digest)
    }

    /// Manifests that an index lists.
    pub(crate) fn children(&self) -> impl Iterator<Item = &Digest> {
        self.manifests.iter().map(|target| &target.digest)
    }

    pub(crate) fn subject(&self) -> Option<&Digest> {
        self.subject.as_ref().map(|target| &target.digest)
    }

    /// The entry of this manifest in a list of referrers (distribution specification, "Listing
    /// Referrers": the config's media type stands in for a missing artifact type).
    pub(crate) fn referrer(&self, media_type: &str, digest: &Digest, size: usize) -> Referrer {
        let artifact_type = self
            .artifact_type
            .clone()
            .filter(|artifact_type| !artifact_type.is_empty())
            .or_else(|| Some(self.config.as_ref()?.media_type.clone()))
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

/// One entry of a list of referrers.
#[derive(Clone, Debug)]
pub(crate) struct Referrer {
    pub(crate) artifact_type: Option<String>,
    pub(crate) descriptor: Value,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest_of;

    fn parse(value: &Value) -> Shape {
        Shape::parse(value.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn foreign_layers_need_not_be_there() {
        let (config, layer) = (digest_of(b"config"), digest_of(b"layer"));
        let shape = parse(&json!({
            "config": {"mediaType": "c", "digest": config},
            "layers": [
                {"digest": layer},
                {"digest": digest_of(b"foreign"), "urls": ["https://example.com/layer"]},
            ],
        }));
        assert_eq!(shape.blobs().collect::<Vec<_>>(), [&config, &layer]);
    }

    #[test]
    fn a_referrer_has_the_artifact_type_or_else_the_type_of_its_config() {
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
