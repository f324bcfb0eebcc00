//! Passwords and tokens of registries, in each place that they are read from.

use std::fs;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use embedded_registry::images::{Platform, sample_image};
use serde_json::json;
use testkit::processes::{Distribution, RegistryProcess, Version};
use testkit::push::Pusher;
use testkit::tokens::{Anonymous, TokenServer};

use super::canary::{Canary, search};
use crate::environment::TestEnvironment;

const USER: &str = "robot";
const RIGHT: &str = testkit::canary!("right-");
const WRONG: &str = testkit::canary!("wrong-");

/// A registry that knows `USER`, with `app:v1` in it.
async fn closed() -> RegistryProcess {
    let registry = Distribution::new().version(Version::V3);
    let registry = registry.htpasswd(USER, RIGHT).start().await;
    let image = sample_image("app", 1, &[Platform::linux("amd64")], 1).unwrap();
    let pusher = Pusher::new(&registry.host()).basic(USER, RIGHT);
    pusher.bundle(&image, "app", Some("v1")).await;
    registry
}

fn with_row(host: &str) -> TestEnvironment {
    let environment = TestEnvironment::new();
    environment.write("images-list", format!("{host}/app {host}/mirror/app v1\n"));
    environment
}

fn auths(host: &str, password: &str) -> String {
    let auth = BASE64_STANDARD.encode(format!("{USER}:{password}"));
    json!({"auths": {host: {"auth": auth}}}).to_string()
}

/// A password of a registry in one of the places, and what `sync` needs to find it.
fn plant(place: &str, host: &str, password: &str) -> (TestEnvironment, &'static str) {
    let environment = with_row(host);
    let file = environment.path("auth.json");
    let file = file.to_str().unwrap();
    match place {
        "option" => environment.write("auth.json", auths(host, password)),
        "variable" => {
            environment.write("auth.json", auths(host, password));
            return (environment.with("REGISTRY_AUTH_FILE", file), "");
        }
        "docker" => {
            let environment = environment.with_no_auth_files();
            let folder = environment.home().join(".docker");
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("config.json"), auths(host, password)).unwrap();
            return (environment, "");
        }
        "pair" => {
            let pair = json!({"auths": {host: {"username": USER, "password": password}}});
            environment.write("auth.json", pair.to_string());
        }
        _ => {
            let answer = json!({"Username": USER, "Secret": password});
            let script = format!("#!/bin/sh\ncat >/dev/null\necho '{answer}'\n");
            let folder = environment.executable("bin", "docker-credential-c4", &script);
            let helpers = json!({"credHelpers": {host: "c4"}});
            environment.write("auth.json", helpers.to_string());
            let path = format!("{}:/usr/bin:/bin", folder.display());
            return (environment.with("PATH", &path), "--authfile auth.json");
        }
    }
    (environment, "--authfile auth.json")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_shows_nowhere_wherever_it_was() {
    let registry = closed().await;
    let host = registry.host();
    for place in ["option", "variable", "docker", "pair", "helper"] {
        for (password, code) in [(WRONG, 4), (RIGHT, 0)] {
            let canary = Canary::password(USER, password);
            let (environment, option) = plant(place, &host, password);
            let line = format!("sync {option} --report report.json");
            search(&environment, &line, "", &[&canary], code);
        }
        let (environment, option) = plant(place, &host, RIGHT);
        let line = format!("copy {option} --output json {host}/app:v1 {host}/{place}/app:v1");
        let canary = Canary::password(USER, RIGHT);
        search(&environment, &line, "", &[&canary], 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_file_is_not_quoted() {
    let canary = Canary::password(USER, RIGHT);
    let registry = closed().await;
    let host = registry.host();
    let whole = auths("r.example", RIGHT);
    let table = [
        whole.replace("}}}", "}}"),
        whole.replace("\"auth\":", "\"auth\":7, \"auth\":"),
        format!("{RIGHT}{whole}"),
        json!({"auths": {host.as_str(): {"auth": format!("%{RIGHT}")}}}).to_string(),
        json!({"auths": {host.as_str(): {"auth": [RIGHT]}}}).to_string(),
        json!({"auths": RIGHT}).to_string(),
    ];
    for text in table {
        let environment = with_row(&host);
        environment.write("auth.json", &text);
        let line = "sync --authfile auth.json";
        let code = environment.mirror(line).code.unwrap();
        assert_ne!(code, 0, "{text}");
        search(&environment, line, "", &[&canary], code);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_is_typed_shows_nowhere() {
    let registry = closed().await;
    let host = registry.host();
    let canary = Canary::password(USER, RIGHT);
    let environment = with_row(&host);
    // Where it is kept is for its owner alone, and not searched.
    environment.write("auth.json", "");
    let line = format!("login {host} -u {USER} --password-stdin --authfile auth.json");
    search(&environment, &line, RIGHT, &[&canary], 0);
    search(&environment, "sync --authfile auth.json", "", &[&canary], 0);
    search(
        &environment,
        "compare --authfile auth.json",
        "",
        &[&canary],
        0,
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_for_tokens_shows_nowhere() {
    let tokens = TokenServer::new()
        .user(USER, RIGHT)
        .anonymous(Anonymous::Refused);
    let tokens = tokens.start().await;
    let registry = Distribution::new().token(tokens.auth()).start().await;
    let host = registry.host();
    let identity = tokens.refresh_token(USER);
    for (kind, token, code) in [
        ("identitytoken", &*identity, 1),
        ("identitytoken", WRONG, 4),
        ("registrytoken", WRONG, 4),
    ] {
        let environment = with_row(&host);
        let file = json!({"auths": {&host: {kind: token}}});
        environment.write("auth.json", file.to_string());
        let line = "sync --authfile auth.json --report report.json";
        // With the right one there is still no such image.
        let code = if code == 1 { 3 } else { code };
        search(&environment, line, "", &[&Canary::token(token)], code);
    }
}
