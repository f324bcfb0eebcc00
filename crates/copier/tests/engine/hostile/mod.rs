//! Hostile registries: they try to cause writes outside the rows, or runs without an end.

mod cycles;
mod limits;
mod paths;
mod private_content;
mod write_plan;

use embedded_registry::RunningRegistry;
use embedded_registry::images::{Bundle, Platform, sample_image};
use testkit::proxy::FaultProxy;

use super::run::registry;

fn image(seed: u64) -> Bundle {
    let platforms = [Platform::linux("amd64")];
    sample_image("app", seed, &platforms, 1).unwrap()
}

/// Starts a registry, and a proxy in front of it that can respond in its place.
async fn hostile_registry() -> (RunningRegistry, FaultProxy) {
    let registry = registry().await;
    let proxy = FaultProxy::start(registry.address()).await;
    (registry, proxy)
}

/// Returns every write except blob uploads, as `METHOD PATH`.
pub fn manifest_writes(registry: &RunningRegistry) -> Vec<String> {
    let requests = registry.requests().into_iter();
    let mut writes: Vec<_> = requests
        .filter(|request| !["GET", "HEAD"].contains(&request.method.as_str()))
        .filter(|request| !request.path.starts_with("/v2/mirror/app/blobs/uploads/"))
        .map(|request| format!("{} {}", request.method, request.path))
        .collect();
    writes.sort();
    writes
}
