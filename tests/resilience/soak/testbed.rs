//! The registries of a soak. Each has two processes over the same files: one behind a proxy that
//! requires tokens, for the runs, and an open one for pushes and checks.

use std::time::Duration;

use serde_json::json;
use testkit::processes::{Distribution, RegistryProcess, Storage, TokenAuth, Version};
use testkit::proxy::FaultProxy;
use testkit::tokens::{RunningTokenServer, TokenServer};

use super::faults::{Traffic, count_requests, inject_faults};
use super::plan::Plan;
use super::upstream::Upstream;
use crate::environment::TestEnvironment;

pub(super) const USER: (&str, &str) = ("robot", "t0ken-secret");

/// The lifetime of a token.
const TOKEN_LIFETIME: Duration = Duration::from_secs(60);

/// Registries, proxies, token server and upstream of a soak.
pub(super) struct Testbed {
    pub(super) environment: TestEnvironment,
    pub(super) plan: Plan,
    pub(super) traffic: Traffic,
    pub(super) upstream: Upstream,
    source: FaultProxy,
    destination: FaultProxy,
    token: FaultProxy,
    tokens: RunningTokenServer,
    /// The processes without tokens.
    pub(super) open_source: RegistryProcess,
    pub(super) open_destination: RegistryProcess,
    _guarded: [RegistryProcess; 2],
}

impl Testbed {
    pub(super) async fn new(plan: Plan) -> Self {
        let tokens = TokenServer::new()
            .user(USER.0, USER.1)
            .lifetime(TOKEN_LIFETIME);
        let tokens = tokens.start().await;
        let token = FaultProxy::start(tokens.address()).await;
        let auth = TokenAuth {
            realm: format!("http://localhost:{}/token", token.address().port()),
            ..tokens.auth()
        };
        let guarded = |version| {
            let registry = Distribution::new().version(version).token(auth.clone());
            registry.storage(Storage::Files).start()
        };
        let guarded = [guarded(Version::V3).await, guarded(Version::V2).await];
        let open = |registry| {
            let registry = Distribution::new().files_shared_with(registry);
            registry.version(Version::V3).start()
        };
        let open_source = open(&guarded[0]).await;
        let host = open_source.host();
        let testbed = Self {
            environment: TestEnvironment::new(),
            upstream: Upstream::new(host, plan.rows, plan.seed).await,
            traffic: Traffic::default(),
            source: FaultProxy::start(guarded[0].address()).await,
            destination: FaultProxy::start(guarded[1].address()).await,
            token,
            tokens,
            open_source,
            open_destination: open(&guarded[1]).await,
            _guarded: guarded,
            plan,
        };
        let auth = json!({"username": USER.0, "password": USER.1});
        let auths =
            json!({"auths": {testbed.source.host(): auth, testbed.destination.host(): auth}});
        testbed.environment.write("auth.json", auths.to_string());
        testbed
    }

    fn proxies(&self) -> [&FaultProxy; 3] {
        [&self.source, &self.destination, &self.token]
    }

    /// Returns the host of the destination in the list.
    pub(super) fn destination_host(&self) -> String {
        self.destination.host()
    }

    /// Starts to fail requests.
    pub(super) fn inject_faults(&self) {
        for (number, proxy) in (0..).zip(self.proxies()) {
            let seed = self.plan.seed ^ (number << 32);
            inject_faults(proxy, &self.traffic, &self.plan, seed);
        }
    }

    /// Stops all faults.
    pub(super) fn stop_faults(&self) {
        for proxy in self.proxies() {
            proxy.clear_rules();
            count_requests(proxy, &self.traffic);
        }
        self.set_latency(Duration::ZERO);
    }

    pub(super) fn set_latency(&self, latency: Duration) {
        for proxy in self.proxies() {
            proxy.set_latency(latency);
        }
    }

    /// Clears the request logs of the test's own servers, which would grow.
    pub(super) fn clear_request_logs(&self) {
        for proxy in self.proxies() {
            proxy.clear_requests();
        }
        self.tokens.clear_requests();
    }

    pub(super) fn write_list(&self) {
        let list = self
            .upstream
            .list(&self.source.host(), &self.destination.host());
        self.environment.write("images-list", list);
    }
}
