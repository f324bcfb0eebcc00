//! Registries to copy to, one for each mistake that a copier could make.

use std::net::SocketAddr;

use embedded_registry::{Children, Registry, RunningRegistry};
use testkit::processes::{Distribution, ReferrersRegistry, RegistryProcess, Version};

/// A kind of registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// It takes indexes before their children.
    WithoutChildren,
    /// It takes manifests before their blobs.
    WithoutBlobs,
    /// It takes neither, keeps files, and lists referrers under a tag.
    Distribution,
}

/// One that runs, empty at first.
pub(super) enum Running {
    Embedded(RunningRegistry),
    Process(RegistryProcess),
}

impl Target {
    pub(super) async fn start(self) -> Running {
        match self {
            Self::WithoutChildren => {
                let registry = Registry::new().children(Children::Optional);
                Running::Embedded(registry.start().await.unwrap())
            }
            Self::WithoutBlobs => Running::Process(ReferrersRegistry::start().await),
            Self::Distribution => {
                let registry = Distribution::new().version(Version::V3);
                Running::Process(registry.start().await)
            }
        }
    }
}

impl Running {
    pub(super) fn address(&self) -> SocketAddr {
        match self {
            Self::Embedded(registry) => registry.address(),
            Self::Process(registry) => registry.address(),
        }
    }
}
