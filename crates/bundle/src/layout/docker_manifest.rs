//! `manifest.json` of `docker save`, which podman and docker's classic store read.

use serde::{Deserialize, Serialize};

use crate::contents::MemberPath;

/// An image of `manifest.json`: one platform, with its tags.
///
/// Source: docker, `image/tarexport`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DockerImage {
    /// The path of the config.
    pub config: MemberPath,
    /// The full names with tags. A name with a digest is not allowed here.
    pub repo_tags: Vec<String>,
    /// The paths of the layers, the lowest first.
    pub layers: Vec<MemberPath>,
}

/// Returns the bytes of `manifest.json`: equal images have equal bytes.
#[must_use]
pub fn docker_manifest_bytes(images: &[DockerImage]) -> Vec<u8> {
    // All keys are strings and all values plain data, so this cannot fail.
    serde_json::to_vec(images).unwrap_or_default()
}
