//! Bearer tokens: scopes, number of token requests, and expiry during a run.
//!
//! Takes up to 10 s: two runs are slowed down so that tokens expire.

use std::time::Duration;

use embedded_registry::images::{Platform, sample_image};
use serde_json::json;
use testkit::clients::Crane;
use testkit::processes::{Distribution, RegistryProcess, Version};
use testkit::proxy::{Action, FaultProxy, Rule};
use testkit::push::Pusher;
use testkit::tokens::{Anonymous, Grant, RunningTokenServer, TokenServer};

use super::registry_pair::assert_root;
use crate::environment::{CommandOutput, TestEnvironment, column};

const USER: (&str, &str) = ("robot", testkit::canary!("t0ken-"));
const TAGS: [&str; 6] = ["v1", "v2", "v3", "v4", "v5", "v6"];

/// An open source with tags of `app`, and a destination that requires tokens. Proxies add latency.
struct TokenMirror {
    environment: TestEnvironment,
    _registries: [RegistryProcess; 2],
    source: FaultProxy,
    destination: FaultProxy,
    tokens: RunningTokenServer,
}

impl TokenMirror {
    async fn new(tokens: TokenServer, version: Version) -> Self {
        let tokens = tokens.user(USER.0, USER.1).anonymous(Anonymous::Pull);
        let tokens = tokens.start().await;
        let source = Distribution::new().start().await;
        let destination = Distribution::new().version(version).token(tokens.auth());
        let destination = destination.start().await;
        let pusher = Pusher::new(&source.host());
        for (seed, tag) in (1..).zip(TAGS) {
            let image = sample_image("app", seed, &[Platform::linux("amd64")], 2).unwrap();
            pusher.bundle(&image, "app", Some(tag)).await;
        }
        let mirror = Self {
            environment: TestEnvironment::new(),
            source: FaultProxy::start(source.address()).await,
            destination: FaultProxy::start(destination.address()).await,
            _registries: [source, destination],
            tokens,
        };
        let auth = json!({"username": USER.0, "password": USER.1});
        let auths = json!({"auths": {mirror.destination.host(): auth}});
        mirror.environment.write("auth.json", auths.to_string());
        mirror.write_list(&TAGS);
        mirror
    }

    fn write_list(&self, tags: &[&str]) {
        let (from, to) = (self.source.host(), self.destination.host());
        let row = |tag| format!("{from}/app {to}/mirror/app {tag}\n");
        let text: String = tags.iter().map(row).collect();
        self.environment.write("images-list", text);
    }

    fn run(&self, line: &str) -> CommandOutput {
        self.environment.mirror(line)
    }

    /// Returns how often the registry rejected a token.
    fn rejected_tokens(&self) -> usize {
        let requests = self.destination.requests();
        let rejected = |request: &&testkit::proxy::RecordedRequest| {
            request.is_authorized() && request.status() == Some(401)
        };
        requests.iter().filter(rejected).count()
    }

    /// Pulls every tag with crane, which fetches its own tokens.
    async fn assert_copied(&self) {
        for tag in TAGS {
            let reference = format!("{}/mirror/app:{tag}", self.destination.host());
            Crane::new().validate(&reference).await.unwrap();
        }
    }
}

const PUSH: &str = "repository:mirror/app:pull,push";

#[tokio::test(flavor = "multi_thread")]
async fn sync_fetches_one_token_per_scope() {
    // Latency makes all rows need the token at the same time.
    let tokens = TokenServer::new().latency(Duration::from_millis(100));
    let mirror = TokenMirror::new(tokens, Version::V2).await;
    let line = "sync --no-referrers --authfile auth.json --output json";
    let document = mirror.run(line).exits(0).json();
    assert_eq!(column(&document, "status"), ["copied"; 6]);
    let requests = mirror.tokens.requests();
    assert_eq!(mirror.tokens.count(PUSH), 1, "{requests:#?}");
    assert_eq!(requests.len(), 1, "{requests:#?}");
    mirror.assert_copied().await;
    // `summary.requests` includes token requests.
    mirror.source.clear_requests();
    mirror.destination.clear_requests();
    mirror.tokens.clear_requests();
    let again = mirror.run(line).exits(0).json();
    assert_eq!(column(&again, "status"), ["unchanged"; 6]);
    let sent = mirror.source.requests().len() + mirror.destination.requests().len();
    let sent = sent + mirror.tokens.requests().len();
    assert_eq!(again["summary"]["requests"], sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn token_that_expires_early_is_replaced_during_the_run() {
    let tokens = TokenServer::new().lifetime(Duration::from_secs(2));
    let tokens = tokens.announced(Some(Duration::from_secs(900)));
    let mirror = TokenMirror::new(tokens, Version::V2).await;
    mirror.destination.set_latency(Duration::from_millis(70));
    let line = "sync --no-referrers --jobs 1 --authfile auth.json --output json";
    let document = mirror.run(line).exits(0).json();
    assert_eq!(column(&document, "status"), ["copied"; 6]);
    assert!(
        mirror.rejected_tokens() >= 1,
        "the token lasted for the whole run"
    );
    assert!(
        mirror.tokens.count(PUSH) >= 2,
        "{:#?}",
        mirror.tokens.requests()
    );
    mirror.destination.set_latency(Duration::ZERO);
    mirror.assert_copied().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn anonymous_token_reads_and_only_the_user_writes() {
    let mirror = TokenMirror::new(TokenServer::new(), Version::V3).await;
    mirror.run("sync --authfile auth.json").exits(0);
    // Reading the destination needs no login.
    mirror.tokens.clear_requests();
    let open = Distribution::new().start().await;
    let (from, to) = (mirror.destination.host(), open.host());
    let line = format!("copy {from}/mirror/app:v1 {to}/copy/app");
    mirror.run(&line).exits(0);
    let grants = mirror
        .tokens
        .requests()
        .into_iter()
        .map(|request| request.grant);
    assert!(
        grants.clone().all(|grant| grant == Grant::Anonymous),
        "{:?}",
        grants.collect::<Vec<_>>()
    );
    let image = sample_image("app", 1, &[Platform::linux("amd64")], 2).unwrap();
    assert_root(&format!("{to}/copy/app:v1"), &image).await;
    // Without a password the write fails with a login hint.
    let line = format!("copy --output json {to}/copy/app:v1 {from}/mirror/other");
    let document = mirror.run(&line).exits(4).json();
    let hint = document["rows"][0]["error"]["hint"].as_str().unwrap();
    assert!(hint.contains(&format!("`mirror login {from}`")), "{hint}");
    let accepted = |request: &testkit::proxy::RecordedRequest| {
        request.path.contains("/mirror/other/") && request.status() == Some(201)
    };
    assert!(!mirror.destination.requests().iter().any(accepted));
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_password_exits_4_after_one_token_request() {
    let mirror = TokenMirror::new(TokenServer::new(), Version::V2).await;
    let auth = json!({"username": USER.0, "password": testkit::canary!("wrong-")});
    let auths = json!({"auths": {mirror.destination.host(): auth}});
    mirror.environment.write("auth.json", auths.to_string());
    let line = "sync --authfile auth.json --output json";
    let document = mirror.run(line).exits(4).json();
    let hint = document["rows"][0]["error"]["hint"].as_str().unwrap();
    let login = format!("`mirror login {}`", mirror.destination.host());
    assert!(hint.contains(&login), "{hint}");
    // Six rows share one refused token request.
    let requests = mirror.tokens.requests().len();
    assert_eq!(requests, 1, "{:#?}", mirror.tokens.requests());
}

#[tokio::test(flavor = "multi_thread")]
async fn identity_token_replaces_the_password() {
    let mirror = TokenMirror::new(TokenServer::new(), Version::V2).await;
    let token = mirror.tokens.refresh_token(USER.0);
    let auths = json!({"auths": {mirror.destination.host(): {"identitytoken": token}}});
    mirror.environment.write("auth.json", auths.to_string());
    mirror.run("sync --authfile auth.json").exits(0);
    let requests = mirror.tokens.requests();
    assert!(
        requests
            .iter()
            .all(|request| request.grant == Grant::Refresh),
        "{requests:#?}"
    );
    mirror.assert_copied().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sync_retries_a_failed_token_request() {
    let mirror = TokenMirror::new(TokenServer::new(), Version::V2).await;
    mirror.write_list(&TAGS[..1]);
    mirror.tokens.fail_next(1, 503);
    // The registry also loses one response.
    mirror.destination.add(
        Rule::new("PUT", "/manifests/")
            .first(1)
            .does(Action::DropResponse),
    );
    mirror.run("sync --authfile auth.json").exits(0);
    let statuses = mirror
        .tokens
        .requests()
        .into_iter()
        .map(|request| request.status.as_u16());
    assert_eq!(statuses.take(2).collect::<Vec<_>>(), [503, 200]);
}
