//! The registries of a soak. Each has two doors: one that asks for tokens, with
//! a proxy in front, for the runs; and an open one for upstream's pushes and for
//! looking at what arrived.

use std::time::Duration;

use serde_json::json;
use testkit::processes::{Distribution, RegistryProcess, Storage, TokenAuth, Version};
use testkit::proxy::FaultProxy;
use testkit::tokens::{RunningTokenServer, TokenServer};

use super::faults::{Traffic, count, strike};
use super::plan::Plan;
use super::upstream::Upstream;
use crate::environment::TestEnvironment;

pub(super) const USER: (&str, &str) = ("robot", "t0ken-secret");

/// How long a token lives.
const LIFETIME: Duration = Duration::from_secs(60);

/// Everything that a run meets.
pub(super) struct Stage {
    pub(super) environment: TestEnvironment,
    pub(super) plan: Plan,
    pub(super) traffic: Traffic,
    pub(super) upstream: Upstream,
    source: FaultProxy,
    target: FaultProxy,
    token: FaultProxy,
    tokens: RunningTokenServer,
    /// The open doors.
    pub(super) open_source: RegistryProcess,
    pub(super) open_target: RegistryProcess,
    _guarded: [RegistryProcess; 2],
}

impl Stage {
    pub(super) async fn new(plan: Plan) -> Self {
        let tokens = TokenServer::new().user(USER.0, USER.1).lifetime(LIFETIME);
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
        let stage = Self {
            environment: TestEnvironment::new(),
            upstream: Upstream::new(host, plan.rows, plan.seed).await,
            traffic: Traffic::default(),
            source: FaultProxy::start(guarded[0].address()).await,
            target: FaultProxy::start(guarded[1].address()).await,
            token,
            tokens,
            open_source,
            open_target: open(&guarded[1]).await,
            _guarded: guarded,
            plan,
        };
        let auth = json!({"username": USER.0, "password": USER.1});
        let auths = json!({"auths": {stage.source.host(): auth, stage.target.host(): auth}});
        stage.environment.write("auth.json", auths.to_string());
        stage
    }

    fn proxies(&self) -> [&FaultProxy; 3] {
        [&self.source, &self.target, &self.token]
    }

    /// The destination as the runs see it.
    pub(super) fn target_host(&self) -> String {
        self.target.host()
    }

    /// Breaks requests from now on.
    pub(super) fn break_requests(&self) {
        for (number, proxy) in (0..).zip(self.proxies()) {
            let seed = self.plan.seed ^ (number << 32);
            strike(proxy, &self.traffic, &self.plan, seed);
        }
    }

    /// Breaks nothing any more.
    pub(super) fn heal(&self) {
        for proxy in self.proxies() {
            proxy.clear_rules();
            count(proxy, &self.traffic);
        }
        self.set_latency(Duration::ZERO);
    }

    pub(super) fn set_latency(&self, latency: Duration) {
        for proxy in self.proxies() {
            proxy.set_latency(latency);
        }
    }

    /// The servers of the test forget what they were asked, so that they do not grow themselves.
    pub(super) fn forget(&self) {
        for proxy in self.proxies() {
            proxy.clear_requests();
        }
        self.tokens.clear_requests();
    }

    pub(super) fn write_list(&self) {
        let list = self.upstream.list(&self.source.host(), &self.target.host());
        self.environment.write("images-list", list);
    }
}
