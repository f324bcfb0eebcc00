//! Signatures attached to an image in an embedded registry.

use bytes::Bytes;
use embedded_registry::RunningRegistry;
use embedded_registry::images::Content;
use serde_json::{Map, Value, json};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

/// Stores a bundle as a referrer of an image, as cosign 3 does.
pub fn attach_bundle(registry: &RunningRegistry, repository: &str, image: &Content, bundle: &[u8]) {
    let bundle = Content::new(BUNDLE, bundle.to_vec());
    let empty = Content::new("application/vnd.oci.empty.v1+json", "{}");
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": BUNDLE,
        "config": empty.descriptor(),
        "layers": [bundle.descriptor()],
        "subject": image.descriptor(),
        "annotations": {"dev.sigstore.bundle.content": "dsse-envelope"},
    });
    for content in [&bundle, &empty] {
        registry.put_blob(repository, content.bytes().clone());
    }
    let manifest = Bytes::from(manifest.to_string());
    registry.put_manifest(repository, None, MANIFEST, manifest);
}

/// Stores a tag such as `sha256-HEX.sig` with one layer for each pair of content and annotations, as cosign 2 does.
pub fn attach_layers<'a>(
    registry: &RunningRegistry,
    (repository, tag): (&str, &str),
    media_type: &str,
    layers: impl IntoIterator<Item = (&'a [u8], Vec<(String, String)>)>,
) {
    let config = Content::new("application/vnd.oci.image.config.v1+json", "{}");
    let layers: Vec<_> = layers
        .into_iter()
        .map(|(content, annotations)| {
            let content = Content::new(media_type, content.to_vec());
            registry.put_blob(repository, content.bytes().clone());
            let annotations: Map<String, Value> = annotations
                .into_iter()
                .map(|(name, value)| (name, value.into()))
                .collect();
            let mut descriptor = content.descriptor();
            descriptor["annotations"] = annotations.into();
            descriptor
        })
        .collect();
    registry.put_blob(repository, config.bytes().clone());
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": config.descriptor(),
        "layers": layers,
    });
    let manifest = Bytes::from(manifest.to_string());
    registry.put_manifest(repository, Some(tag), MANIFEST, manifest);
}
