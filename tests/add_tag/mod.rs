//! `mirror add-tag`

mod concurrent;
mod files;
mod new_image;
mod refusals;
mod replay;

use embedded_registry::images::{Platform, sample_image};
use embedded_registry::{Registry, RunningRegistry};

/// A registry with these images, `NAME:TAG`.
pub(crate) async fn registry_with(images: &[&str]) -> RunningRegistry {
    let registry = Registry::new().access_log(10_000).start().await.unwrap();
    push(&registry, images);
    registry
}

pub(crate) fn push(registry: &RunningRegistry, images: &[&str]) {
    let image = sample_image("a", 1, &[Platform::linux("amd64")], 1).unwrap();
    for name in images {
        let (repository, tag) = name.rsplit_once(':').unwrap();
        image.push(registry, repository, Some(tag));
    }
}
