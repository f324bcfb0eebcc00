//! What all cells of the matrix share: real registries with the images.

use embedded_registry::{Registry, RunningRegistry};
use testkit::processes::{Distribution, RegistryProcess, Version};
use testkit::push::Pusher;
use testkit::tokens::{RunningTokenServer, TokenServer};

use super::images::Images;
use super::place::Scenario;

/// The user whose password must be nowhere but at the token server.
pub const USER: &str = "robot";
pub const PASSWORD: &str = "canary-of-the-matrix";

/// The registries. They are open: the cells' proxies ask for tokens.
pub struct World {
    distribution: RegistryProcess,
    /// distribution has no referrers API.
    with_referrers: RunningRegistry,
    pub target: RegistryProcess,
    pub tokens: RunningTokenServer,
    pub images: Images,
}

impl World {
    pub async fn new() -> Self {
        let world = Self {
            distribution: Distribution::new().start().await,
            with_referrers: Registry::new().start().await.unwrap(),
            target: Distribution::new().version(Version::V3).start().await,
            tokens: TokenServer::new().user(USER, PASSWORD).start().await,
            images: Images::new(),
        };
        let pusher = Pusher::new(&world.distribution.host());
        let images = &world.images;
        let (tag, registry) = (images.signature_tag(), &world.with_referrers);
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
        world
    }

    /// The source of a scenario.
    pub fn source(&self, scenario: Scenario) -> std::net::SocketAddr {
        match scenario {
            Scenario::Referred => self.with_referrers.address(),
            _ => self.distribution.address(),
        }
    }
}
