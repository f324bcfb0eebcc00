//! Tokens open the registry for those who should get in, for as long as they should.
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

/// The status of a manifest with a token.
async fn status(registry: &RegistryProcess, token: &str) -> u16 {
    let url = format!("http://{}/v2/demo/manifests/v1", registry.host());
    let request = Request::get(url)
        .header("accept", "application/vnd.oci.image.index.v1+json")
        .header("authorization", format!("Bearer {token}"));
    fetch(request.body("").unwrap()).await.status().as_u16()
}

/// What a token server answers to a POST of a form.
async fn post(realm: &str, form: &str) -> Value {
    let request = Request::post(realm).body(form.to_owned()).unwrap();
    serde_json::from_slice(fetch(request).await.body()).unwrap()
}

#[tokio::test]
async fn users_push_and_others_only_pull() {
    for version in [Version::V2, Version::V3] {
        let tokens = TokenServer::new()
            .user("somebody", "secret")
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
        let wrong = Crane::new().credentials(&host, "somebody", "wrong");
        push(&wrong, &host).await.unwrap_err();
        push(
            &Crane::new().credentials(&host, "somebody", "secret"),
            &host,
        )
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
        assert!(grants.contains(&Grant::Password("somebody".into())));
    }
}

#[tokio::test]
async fn tokens_expire_when_they_should() {
    let tokens = TokenServer::new()
        .user("somebody", "secret")
        .anonymous(Anonymous::Pull)
        .lifetime(Duration::from_secs(2))
        .announced(Some(Duration::from_secs(900)))
        .start()
        .await;
    let registry = Distribution::new().token(tokens.auth()).start().await;
    let crane = Crane::new().credentials(&registry.host(), "somebody", "secret");
    push(&crane, &registry.host()).await.unwrap();
    let url = format!(
        "{}?service=registry.test&scope=repository:demo:pull",
        tokens.realm()
    );
    let answer = fetch(Request::get(url).body("").unwrap()).await;
    let document: Value = serde_json::from_slice(answer.body()).unwrap();
    assert_eq!(document["expires_in"], 900, "what it says");
    let text = document["token"].as_str().unwrap();
    assert_eq!(status(&registry, text).await, 200);
    sleep(Duration::from_secs(4)).await;
    assert_eq!(status(&registry, text).await, 401, "what is true");
}

#[tokio::test]
async fn refresh_tokens_stand_for_their_user() {
    let tokens = TokenServer::new().user("somebody", "secret").start().await;
    let registry = Distribution::new().token(tokens.auth()).start().await;
    let crane = Crane::new().credentials(&registry.host(), "somebody", "secret");
    push(&crane, &registry.host()).await.unwrap();
    let scope = "scope=repository:demo:pull";
    let first = format!(
        "grant_type=password&username=somebody&password=secret&access_type=offline&{scope}"
    );
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
async fn failures_end_after_their_number() {
    let tokens = TokenServer::new()
        .anonymous(Anonymous::Everything)
        .start()
        .await;
    tokens.fail_next(2, 503);
    for expected in [503, 503, 200] {
        let answer = fetch(Request::get(tokens.realm()).body("").unwrap()).await;
        assert_eq!(answer.status(), expected);
    }
}
