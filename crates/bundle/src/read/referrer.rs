//! The list of referrers that a bundle's registry returns.

use std::collections::BTreeMap;

use bytes::Bytes;
use oci_spec::image::MediaType;
use serde::{Deserialize, Serialize};

use crate::contents::AttachedManifest;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReferrersIndex {
    schema_version: u32,
    media_type: String,
    manifests: Vec<ReferrerDescriptor>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReferrerDescriptor {
    media_type: String,
    digest: String,
    size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    artifact_type: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<String, String>,
}

/// The fields of a manifest that its descriptor in a list of referrers has.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ManifestFields {
    artifact_type: Option<String>,
    config: Option<ConfigFields>,
    annotations: Option<BTreeMap<String, String>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ConfigFields {
    media_type: Option<String>,
}

/// Returns the index of referrers and its media type. Artifact type and annotations are those of the
/// manifests, where the bundle has them.
///
/// Source: distribution specification, "Listing Referrers".
pub(super) fn referrers_index(
    referrers: &[(&AttachedManifest, Option<Bytes>)],
) -> (String, &'static str) {
    const MEDIA_TYPE: &str = "application/vnd.oci.image.index.v1+json";
    let manifests = referrers.iter().map(|(attached, bytes)| {
        let fields: Option<ManifestFields> = bytes
            .as_ref()
            .and_then(|bytes| serde_json::from_slice(bytes).ok());
        let fields = fields.unwrap_or_default();
        let config = fields.config.and_then(|config| config.media_type);
        let own = fields.artifact_type.filter(|own| !own.is_empty());
        ReferrerDescriptor {
            media_type: attached.media_type.clone(),
            digest: attached.digest.to_string(),
            size: attached.size,
            artifact_type: own.or(config).or(attached.artifact_type.clone()),
            annotations: fields.annotations.unwrap_or_default(),
        }
    });
    let index = ReferrersIndex {
        schema_version: 2,
        media_type: MediaType::ImageIndex.to_string(),
        manifests: manifests.collect(),
    };
    // All keys are strings and all values plain data, so this cannot fail.
    (
        serde_json::to_string(&index).unwrap_or_default(),
        MEDIA_TYPE,
    )
}
