//! Tokens of the token server give access to distribution, until they expire.
#![expect(clippy::unwrap_used, reason = "functions of the tests fail like tests")]

use std::time::Duration;

use embedded_registry::Registry;
use embedded_registry::images::{Platform, sample_image};
use http::Request;
use serde_json::Value;
use testkit::clients::Crane;
use testkit::fetch;
use testkit::processes::{Distribution, RegistryProcess, Version};
use testkit::tokens::{Anonymous, Grant, TokenServer};
use tokio::time::sleep;

async fn push(crane: &Crane, host: &str) -> Result<(), String> {
    let source = Registry::new().start().await.unwrap();
    let image = sample_image("demo", 1, &[Platform::linux("amd64")], 1).unwrap();
    image.push(&source, "demo", Some("v1"));
    let from = format!("{}/demo:v1", source.host());
    let copied = crane.copy(&from, &format!("{host}/demo:v1")).await;
    copied.map_err(|failed| failed.stderr)
}

/// Requests a manifest with a token and returns the status.
async fn status(registry: &RegistryProcess, token: &str) -> u16 {
    let url = format!("http://{}/v2/demo/manifests/v1", registry.host());
    let request = Request::get(url)
        .header("accept", "application/vnd.oci.image.index.v1+json")
        .header("authorization", format!("Bearer {token}"));
    fetch(request.body("").unwrap()).await.status().as_u16()
}

/// Posts a form to a token server and returns the response.
async fn post(realm: &str, form: &str) -> Value {
    let request = Request::post(realm).body(form.to_owned()).unwrap();
    serde_json::from_slice(fetch(request).await.body()).unwrap()
}

#[tokio::test]
async fn users_push_and_anonymous_clients_pull() {
    for version in [Version::V2, Version::V3] {
        let tokens = TokenServer::new()
            .user("user", "secret")
            .anonymous(Anonymous::Pull)
            .start()
            .await;
        let registry = Distribution::new()
            .version(version)
            .token(tokens.auth())
            .start()
            .await;
        let host = registry.host();
        let refused = push(&Crane::new(), &host).await.unwrap_err();
        assert!(refused.contains("UNAUTHORIZED"), "{refused}");
        let wrong = Crane::new().credentials(&host, "user", "wrong");
        push(&wrong, &host).await.unwrap_err();
        push(&Crane::new().credentials(&host, "user", "secret"), &host)
            .await
            .unwrap();
        Crane::new()
            .validate(&format!("{host}/demo:v1"))
            .await
            .unwrap();

        assert!(
            tokens.count("repository:demo:push,pull") > 0,
            "{:#?}",
            tokens.requests()
        );
        let grants: Vec<Grant> = tokens
            .requests()
            .into_iter()
            .map(|request| request.grant)
            .collect();
        assert!(grants.contains(&Grant::Anonymous));
        assert!(grants.contains(&Grant::Password("user".into())));
    }
}

#[tokio::test]
async fn token_is_refused_after_its_lifetime() {
    let tokens = TokenServer::new()
        .anonymous(Anonymous::Pull)
        .lifetime(Duration::ZERO)
        .announced(Some(Duration::from_secs(900)))
        .start()
        .await;
    let registry = Distribution::new().token(tokens.auth()).start().await;
    let url = format!(
        "{}?service=registry.test&scope=repository:demo:pull",
        tokens.realm()
    );
    let response = fetch(Request::get(url).body("").unwrap()).await;
    let document: Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!(document["expires_in"], 900, "the announced lifetime");
    let token = document["token"].as_str().unwrap();
    // Times in tokens are whole seconds, so the token may be valid for the rest of one.
    let mut attempts = 0;
    while status(&registry, token).await != 401 {
        attempts += 1;
        assert!(attempts < 100, "the token does not expire");
        sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn refresh_token_yields_tokens_of_its_user() {
    let tokens = TokenServer::new().user("user", "secret").start().await;
    let registry = Distribution::new().token(tokens.auth()).start().await;
    let crane = Crane::new().credentials(&registry.host(), "user", "secret");
    push(&crane, &registry.host()).await.unwrap();
    let scope = "scope=repository:demo:pull";
    let first =
        format!("grant_type=password&username=user&password=secret&access_type=offline&{scope}");
    let refresh = post(&tokens.realm(), &first).await["refresh_token"].clone();
    let refresh = refresh.as_str().unwrap();
    let form = |token: &str| format!("grant_type=refresh_token&refresh_token={token}&{scope}");
    let document = post(&tokens.realm(), &form(refresh)).await;
    let text = document["access_token"].as_str().unwrap();
    assert_eq!(status(&registry, text).await, 200);
    let unknown = post(&tokens.realm(), &form("refresh-99")).await;
    assert_eq!(unknown["errors"][0]["code"], "DENIED");
    assert_eq!(tokens.requests().last().unwrap().grant, Grant::Refresh);
}

#[tokio::test]
async fn fail_next_fails_the_given_number_of_requests() {
    let tokens = TokenServer::new()
        .anonymous(Anonymous::Everything)
        .start()
        .await;
    tokens.fail_next(2, 503);
    for expected in [503, 503, 200] {
        let response = fetch(Request::get(tokens.realm()).body("").unwrap()).await;
        assert_eq!(response.status(), expected);
    }
}
