//! The documents of an OCI image layout, and `manifest.json` of `docker save`.

mod docker_manifest;
mod index;

pub use docker_manifest::{DockerImage, docker_manifest_bytes};
pub use index::{Index, IndexEntry, LayoutError, MAX_INDEX, OCI_LAYOUT};
