//! Embedded registries with small images, and their concurrent requests.

use embedded_registry::images::{Bundle, Platform, sample_image};
use embedded_registry::{Registry, RunningRegistry};
use testkit::proxy::RecordedRequest;

/// Starts a registry with the same small image under each `NAME:TAG`.
pub(crate) async fn registry_with(images: &[&str]) -> RunningRegistry {
    let registry = Registry::new().access_log(10_000).start().await.unwrap();
    push_tags(&registry, images);
    registry
}

/// Pushes the same small image under each `NAME:TAG`.
pub(crate) fn push_tags(registry: &RunningRegistry, images: &[&str]) {
    let image = small_image(1);
    for name in images {
        let (repository, tag) = name.rsplit_once(':').unwrap();
        image.push(registry, repository, Some(tag));
    }
}

/// Moves a tag to an image with another digest.
pub(crate) fn push_other_image(registry: &RunningRegistry, repository: &str, tag: &str) {
    small_image(2).push(registry, repository, Some(tag));
}

/// Returns an image for linux/amd64 with one layer.
pub(crate) fn small_image(seed: u64) -> Bundle {
    sample_image("a", seed, &[Platform::linux("amd64")], 1).unwrap()
}

/// Returns the maximum number of requests that waited for their responses at the same time.
pub(crate) fn max_in_flight(requests: &[RecordedRequest]) -> usize {
    let ends =
        |request: &RecordedRequest| request.answered.map_or(request.arrived, |(time, _)| time);
    let in_flight = |time| {
        let open = requests.iter().filter(|request| request.arrived <= time);
        open.filter(|request| time < ends(request)).count()
    };
    let counts = requests.iter().map(|request| in_flight(request.arrived));
    counts.max().unwrap_or(0)
}
