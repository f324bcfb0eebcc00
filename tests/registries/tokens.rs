//! Bearer tokens: who gets one, how many are fetched, and what happens when one expires under way.

use std::time::Duration;

use embedded_registry::images::{Platform, sample_image};
use serde_json::json;
use testkit::clients::Crane;
use testkit::processes::{Distribution, RegistryProcess, Version};
use testkit::proxy::{Action, FaultProxy, Rule};
use testkit::push::Pusher;
use testkit::tokens::{Anonymous, Grant, RunningTokenServer, TokenServer};
use tokio::task::block_in_place;

use super::pair::{assert_root, column};
use crate::environment::{Finished, TestEnvironment};

const USER: (&str, &str) = ("robot", testkit::canary!("t0ken-"));
const TAGS: [&str; 6] = ["v1", "v2", "v3", "v4", "v5", "v6"];

/// An open source with tags of `app`, and a destination behind tokens. Both are asked through
/// proxies, so that a run can be made slow.
struct Guarded {
    environment: TestEnvironment,
    _registries: [RegistryProcess; 2],
    source: FaultProxy,
    target: FaultProxy,
    tokens: RunningTokenServer,
}

impl Guarded {
    async fn new(tokens: TokenServer, version: Version) -> Self {
        let tokens = tokens.user(USER.0, USER.1).anonymous(Anonymous::Pull);
        let tokens = tokens.start().await;
        let source = Distribution::new().start().await;
        let target = Distribution::new().version(version).token(tokens.auth());
        let target = target.start().await;
        let pusher = Pusher::new(&source.host());
        for (seed, tag) in (1..).zip(TAGS) {
            let image = sample_image("app", seed, &[Platform::linux("amd64")], 2).unwrap();
            pusher.bundle(&image, "app", Some(tag)).await;
        }
        let guarded = Self {
            environment: TestEnvironment::new(),
            source: FaultProxy::start(source.address()).await,
            target: FaultProxy::start(target.address()).await,
            _registries: [source, target],
            tokens,
        };
        let auth = json!({"username": USER.0, "password": USER.1});
        let auths = json!({"auths": {guarded.target.host(): auth}});
        guarded.environment.write("auth.json", auths.to_string());
        guarded.list(&TAGS);
        guarded
    }

    fn list(&self, tags: &[&str]) {
        let (from, to) = (self.source.host(), self.target.host());
        let row = |tag| format!("{from}/app {to}/mirror/app {tag}\n");
        let text: String = tags.iter().map(row).collect();
        self.environment.write("images-list", text);
    }

    fn mirror(&self, line: &str) -> Finished {
        block_in_place(|| self.environment.mirror(line))
    }

    /// How often the registry refused a token that was sent.
    fn refused(&self) -> usize {
        let requests = self.target.requests();
        let refused = |request: &&testkit::proxy::Recorded| {
            request.is_authorized() && request.status() == Some(401)
        };
        requests.iter().filter(refused).count()
    }

    /// crane pulls all tags with tokens of its own.
    async fn everything_has_arrived(&self) {
        for tag in TAGS {
            let reference = format!("{}/mirror/app:{tag}", self.target.host());
            Crane::new().validate(&reference).await.unwrap();
        }
    }
}

const PUSH: &str = "repository:mirror/app:pull,push";

#[tokio::test(flavor = "multi_thread")]
async fn a_run_fetches_one_token_for_each_scope() {
    // Slow, so that all rows need it at once.
    let tokens = TokenServer::new().latency(Duration::from_millis(100));
    let guarded = Guarded::new(tokens, Version::V2).await;
    let line = "sync --no-referrers --authfile auth.json --output json";
    let document = guarded.mirror(line).exits(0).json();
    assert_eq!(column(&document, "status"), ["copied"; 6]);
    let requests = guarded.tokens.requests();
    assert_eq!(guarded.tokens.count(PUSH), 1, "{requests:#?}");
    assert_eq!(requests.len(), 1, "{requests:#?}");
    guarded.everything_has_arrived().await;
    // Every request that was sent is counted, that for the token too.
    guarded.source.clear_requests();
    guarded.target.clear_requests();
    guarded.tokens.clear_requests();
    let again = guarded.mirror(line).exits(0).json();
    assert_eq!(column(&again, "status"), ["unchanged"; 6]);
    let sent = guarded.source.requests().len() + guarded.target.requests().len();
    let sent = sent + guarded.tokens.requests().len();
    assert_eq!(again["summary"]["requests"], sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_renewed_before_they_expire() {
    // Tokens end with a whole second, so up to one earlier than is said.
    let tokens = TokenServer::new().lifetime(Duration::from_secs(4));
    let tokens = tokens.announced(Some(Duration::from_secs(2)));
    let guarded = Guarded::new(tokens, Version::V3).await;
    guarded.target.set_latency(Duration::from_millis(70));
    let line = "sync --no-referrers --jobs 1 --authfile auth.json --output json";
    let document = guarded.mirror(line).exits(0).json();
    assert!(
        document["summary"]["duration_seconds"].as_f64() > Some(2.5),
        "{document}"
    );
    assert!(
        guarded.tokens.count(PUSH) >= 2,
        "{:#?}",
        guarded.tokens.requests()
    );
    assert_eq!(guarded.refused(), 0, "none was used when it had expired");
    guarded.target.set_latency(Duration::ZERO);
    guarded.everything_has_arrived().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_ends_before_its_time_is_replaced_mid_run() {
    let tokens = TokenServer::new().lifetime(Duration::from_secs(2));
    let tokens = tokens.announced(Some(Duration::from_secs(900)));
    let guarded = Guarded::new(tokens, Version::V2).await;
    guarded.target.set_latency(Duration::from_millis(70));
    let line = "sync --no-referrers --jobs 1 --authfile auth.json --output json";
    let document = guarded.mirror(line).exits(0).json();
    assert_eq!(column(&document, "status"), ["copied"; 6]);
    assert!(guarded.refused() >= 1, "it lasted for the whole run");
    assert!(
        guarded.tokens.count(PUSH) >= 2,
        "{:#?}",
        guarded.tokens.requests()
    );
    guarded.target.set_latency(Duration::ZERO);
    guarded.everything_has_arrived().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_public_reads_and_only_the_user_writes() {
    let guarded = Guarded::new(TokenServer::new(), Version::V3).await;
    guarded.mirror("sync --authfile auth.json").exits(0);
    // The destination as a source: nobody logs in to read it.
    guarded.tokens.clear_requests();
    let open = Distribution::new().start().await;
    let (from, to) = (guarded.target.host(), open.host());
    let line = format!("copy {from}/mirror/app:v1 {to}/copy/app");
    guarded.mirror(&line).exits(0);
    let grants = guarded
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
    // Without a password nothing is written, and the hint says where to get in.
    let line = format!("copy --output json {to}/copy/app:v1 {from}/mirror/other");
    let document = guarded.mirror(&line).exits(4).json();
    let hint = document["rows"][0]["error"]["hint"].as_str().unwrap();
    assert!(hint.contains(&format!("`mirror login {from}`")), "{hint}");
    let accepted = |request: &testkit::proxy::Recorded| {
        request.path.contains("/mirror/other/") && request.status() == Some(201)
    };
    assert!(!guarded.target.requests().iter().any(accepted));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_exit_4() {
    let guarded = Guarded::new(TokenServer::new(), Version::V2).await;
    let auth = json!({"username": USER.0, "password": testkit::canary!("wrong-")});
    let auths = json!({"auths": {guarded.target.host(): auth}});
    guarded.environment.write("auth.json", auths.to_string());
    let line = "sync --authfile auth.json --output json";
    let document = guarded.mirror(line).exits(4).json();
    let hint = document["rows"][0]["error"]["hint"].as_str().unwrap();
    let login = format!("`mirror login {}`", guarded.target.host());
    assert!(hint.contains(&login), "{hint}");
    // Six rows, one refusal: it is not asked for again and again.
    let asked = guarded.tokens.requests().len();
    assert_eq!(asked, 1, "{:#?}", guarded.tokens.requests());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_token_stands_for_the_password() {
    let guarded = Guarded::new(TokenServer::new(), Version::V2).await;
    let token = guarded.tokens.refresh_token(USER.0);
    let auths = json!({"auths": {guarded.target.host(): {"identitytoken": token}}});
    guarded.environment.write("auth.json", auths.to_string());
    guarded.mirror("sync --authfile auth.json").exits(0);
    let requests = guarded.tokens.requests();
    assert!(
        requests
            .iter()
            .all(|request| request.grant == Grant::Refresh),
        "{requests:#?}"
    );
    guarded.everything_has_arrived().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_server_that_stumbles_is_asked_again() {
    let guarded = Guarded::new(TokenServer::new(), Version::V2).await;
    guarded.list(&TAGS[..1]);
    guarded.tokens.fail_next(1, 503);
    // And a registry whose first answer is lost.
    guarded.target.add(
        Rule::new("PUT", "/manifests/")
            .first(1)
            .does(Action::LoseAnswer),
    );
    guarded.mirror("sync --authfile auth.json").exits(0);
    let statuses = guarded
        .tokens
        .requests()
        .into_iter()
        .map(|request| request.status.as_u16());
    assert_eq!(statuses.take(2).collect::<Vec<_>>(), [503, 200]);
}
