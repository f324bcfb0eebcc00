//! Passwords and tokens of registries, in each location that the binary reads.

use std::fs;

use embedded_registry::images::{Platform, sample_image};
use serde_json::json;
use testkit::processes::{Distribution, RegistryProcess, Version};
use testkit::push::Pusher;
use testkit::tokens::{Anonymous, TokenServer};

use super::leak_search::{Secret, assert_no_leak};
use crate::environment::{TestEnvironment, auth_file};

const USER: &str = "robot";
const RIGHT: &str = testkit::canary!("right-");
const WRONG: &str = testkit::canary!("wrong-");

/// A registry that admits only `USER`, with `app:v1`.
async fn password_registry() -> RegistryProcess {
    let registry = Distribution::new().version(Version::V3);
    let registry = registry.htpasswd(USER, RIGHT).start().await;
    let image = sample_image("app", 1, &[Platform::linux("amd64")], 1).unwrap();
    let pusher = Pusher::new(&registry.host()).basic(USER, RIGHT);
    pusher.bundle(&image, "app", Some("v1")).await;
    registry
}

fn environment_with_row(host: &str) -> TestEnvironment {
    let environment = TestEnvironment::new();
    environment.write("images-list", format!("{host}/app {host}/mirror/app v1\n"));
    environment
}

fn auths(host: &str, password: &str) -> String {
    auth_file(&[(host, USER, password)])
}

/// Stores a password in one location and returns the options with which `sync` finds it.
fn plant(location: &str, host: &str, password: &str) -> (TestEnvironment, &'static str) {
    let environment = environment_with_row(host);
    let file = environment.path("auth.json");
    let file = file.to_str().unwrap();
    match location {
        "option" => environment.write("auth.json", auths(host, password)),
        "variable" => {
            environment.write("auth.json", auths(host, password));
            return (environment.with_env("REGISTRY_AUTH_FILE", file), "");
        }
        "content" => {
            let content = auths(host, password);
            return (environment.with_env("DOCKER_AUTH_CONFIG", &content), "");
        }
        "docker" => {
            let environment = environment.without_auth_files();
            let directory = environment.home().join(".docker");
            fs::create_dir(&directory).unwrap();
            fs::write(directory.join("config.json"), auths(host, password)).unwrap();
            return (environment, "");
        }
        "pair" => {
            let pair = json!({"auths": {host: {"username": USER, "password": password}}});
            environment.write("auth.json", pair.to_string());
        }
        _ => {
            let answer = json!({"Username": USER, "Secret": password});
            let script = format!("#!/bin/sh\ncat >/dev/null\necho '{answer}'\n");
            let directory = environment.install_script("bin", "docker-credential-c4", &script);
            let helpers = json!({"credHelpers": {host: "c4"}});
            environment.write("auth.json", helpers.to_string());
            let path = format!("{}:/usr/bin:/bin", directory.display());
            return (environment.with_env("PATH", &path), "--authfile auth.json");
        }
    }
    (environment, "--authfile auth.json")
}

#[tokio::test(flavor = "multi_thread")]
async fn registry_password_appears_in_no_output() {
    let registry = password_registry().await;
    let host = registry.host();
    for location in ["option", "variable", "content", "docker", "pair", "helper"] {
        for (password, code) in [(WRONG, 4), (RIGHT, 0)] {
            let secret = Secret::password(USER, password);
            let (environment, option) = plant(location, &host, password);
            let line = format!("sync {option} --report report.json");
            assert_no_leak(&environment, &line, "", &[&secret], code);
        }
        let (environment, option) = plant(location, &host, RIGHT);
        let line = format!("copy {option} --output json {host}/app:v1 {host}/{location}/app:v1");
        let secret = Secret::password(USER, RIGHT);
        assert_no_leak(&environment, &line, "", &[&secret], 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_in_auth_files_quote_no_content() {
    let secret = Secret::password(USER, RIGHT);
    let registry = password_registry().await;
    let host = registry.host();
    let valid = auths("r.example", RIGHT);
    let table = [
        valid.replace("}}}", "}}"),
        valid.replace("\"auth\":", "\"auth\":7, \"auth\":"),
        format!("{RIGHT}{valid}"),
        json!({"auths": {host.as_str(): {"auth": format!("%{RIGHT}")}}}).to_string(),
        json!({"auths": {host.as_str(): {"auth": [RIGHT]}}}).to_string(),
        json!({"auths": RIGHT}).to_string(),
    ];
    for text in table {
        let environment = environment_with_row(&host);
        environment.write("auth.json", &text);
        let line = "sync --authfile auth.json";
        let code = environment.mirror(line).code.unwrap();
        assert_ne!(code, 0, "{text}");
        assert_no_leak(&environment, line, "", &[&secret], code);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn password_for_login_appears_in_no_output() {
    let registry = password_registry().await;
    let host = registry.host();
    let secret = Secret::password(USER, RIGHT);
    let environment = environment_with_row(&host);
    // A file that exists before the run is not searched: `login` stores the password in it.
    environment.write("auth.json", "");
    let line = format!("login {host} -u {USER} --password-stdin --authfile auth.json");
    assert_no_leak(&environment, &line, RIGHT, &[&secret], 0);
    assert_no_leak(&environment, "sync --authfile auth.json", "", &[&secret], 0);
    assert_no_leak(
        &environment,
        "compare --authfile auth.json",
        "",
        &[&secret],
        0,
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn identity_and_registry_tokens_appear_in_no_output() {
    let tokens = TokenServer::new()
        .user(USER, RIGHT)
        .anonymous(Anonymous::Refused);
    let tokens = tokens.start().await;
    let registry = Distribution::new().token(tokens.auth()).start().await;
    let host = registry.host();
    let identity = tokens.refresh_token(USER);
    for (kind, token, code) in [
        // The token is right; the image does not exist.
        ("identitytoken", &*identity, 3),
        ("identitytoken", WRONG, 4),
        ("registrytoken", WRONG, 4),
    ] {
        let environment = environment_with_row(&host);
        let file = json!({"auths": {&host: {kind: token}}});
        environment.write("auth.json", file.to_string());
        let line = "sync --authfile auth.json --report report.json";
        assert_no_leak(&environment, line, "", &[&Secret::token(token)], code);
    }
}
