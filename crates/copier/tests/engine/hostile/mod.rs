//! Sources and destinations that try to make a run write what no row names, or never end.

mod cycles;
mod paths;
mod write_plan;

use embedded_registry::RunningRegistry;
use embedded_registry::images::{Bundle, Platform, sample_image};
use testkit::proxy::FaultProxy;

use super::run::registry;

fn image(seed: u64) -> Bundle {
    let platforms = [Platform::linux("amd64")];
    sample_image("app", seed, &platforms, 1).unwrap()
}

/// A registry, and a proxy before it that answers in its place.
async fn hostile_registry() -> (RunningRegistry, FaultProxy) {
    let registry = registry().await;
    let proxy = FaultProxy::start(registry.address()).await;
    (registry, proxy)
}

/// Every write that arrived, as `METHOD PATH`, uploads of blobs left out.
fn manifest_writes(registry: &RunningRegistry) -> Vec<String> {
    let requests = registry.requests().into_iter();
    let mut writes: Vec<_> = requests
        .filter(|request| !["GET", "HEAD"].contains(&request.method.as_str()))
        .filter(|request| !request.path.starts_with("/v2/mirror/app/blobs/uploads/"))
        .map(|request| format!("{} {}", request.method, request.path))
        .collect();
    writes.sort();
    writes
}
