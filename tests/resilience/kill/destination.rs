//! Destination registries, one for each mistake that a copier could make.

use std::net::SocketAddr;

use embedded_registry::{Children, Registry, RunningRegistry};
use testkit::processes::{Distribution, ReferrersRegistry, RegistryProcess, Version};

/// A kind of destination registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DestinationKind {
    /// Accepts an index before its children.
    WithoutChildren,
    /// Accepts a manifest before its blobs.
    WithoutBlobs,
    /// Accepts neither, stores files, and keeps referrers under the tag schema.
    Distribution,
}

/// A running registry, empty at first.
pub(super) enum Destination {
    Embedded(RunningRegistry),
    Process(RegistryProcess),
}

impl DestinationKind {
    pub(super) async fn start(self) -> Destination {
        match self {
            Self::WithoutChildren => {
                let registry = Registry::new().children(Children::Optional);
                Destination::Embedded(registry.start().await.unwrap())
            }
            Self::WithoutBlobs => Destination::Process(ReferrersRegistry::start().await),
            Self::Distribution => {
                let registry = Distribution::new().version(Version::V3);
                Destination::Process(registry.start().await)
            }
        }
    }
}

impl Destination {
    pub(super) fn address(&self) -> SocketAddr {
        match self {
            Self::Embedded(registry) => registry.address(),
            Self::Process(registry) => registry.address(),
        }
    }
}
