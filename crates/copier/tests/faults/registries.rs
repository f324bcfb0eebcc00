//! The registries and images that all cells share.

use embedded_registry::{Registry, RunningRegistry};
use testkit::processes::{Distribution, RegistryProcess, Version};
use testkit::push::Pusher;
use testkit::tokens::{RunningTokenServer, TokenServer};

use super::column::Scenario;
use super::images::Images;

/// The user whose password only the token server may receive.
pub const USER: &str = "robot";
pub const PASSWORD: &str = "canary-of-the-matrix";

/// The registries. Only the proxies of the cells require tokens.
pub struct Registries {
    distribution: RegistryProcess,
    /// A source with the referrers API, which distribution lacks.
    with_referrers: RunningRegistry,
    pub target: RegistryProcess,
    pub tokens: RunningTokenServer,
    pub images: Images,
}

impl Registries {
    pub async fn new() -> Self {
        let registries = Self {
            distribution: Distribution::new().start().await,
            with_referrers: Registry::new().start().await.unwrap(),
            target: Distribution::new().version(Version::V3).start().await,
            tokens: TokenServer::new().user(USER, PASSWORD).start().await,
            images: Images::new(),
        };
        let pusher = Pusher::new(&registries.distribution.host());
        let images = &registries.images;
        let (tag, registry) = (images.signature_tag(), &registries.with_referrers);
        for (name, image, tag) in [
            ("seed", &images.seed, "1"),
            ("faulty", &images.faulty, "1"),
            ("faulty", &images.signature, &tag),
            ("healthy", &images.healthy, "1"),
        ] {
            pusher
                .bundle(image, &format!("source/{name}"), Some(tag))
                .await;
        }
        images.seed.push(registry, "source/seed", Some("1"));
        images.faulty.push(registry, "source/faulty", Some("1"));
        images.healthy.push(registry, "source/healthy", Some("1"));
        images.referrer.push(registry, "source/faulty", None);
        registries
    }

    /// Returns the source of a scenario.
    pub fn source(&self, scenario: Scenario) -> std::net::SocketAddr {
        match scenario {
            Scenario::WithReferrersApi => self.with_referrers.address(),
            _ => self.distribution.address(),
        }
    }
}
