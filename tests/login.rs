//! `mirror login` and `mirror logout`

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;
use testkit::CANARY;
use testkit::processes::Distribution;
use testkit::tokens::{Anonymous, TokenServer};

use crate::environment::{
    CommandOutput, TestEnvironment, auth_file, block, file_mode, run_with_input,
};

fn login(environment: &TestEnvironment, line: &str, password: &str) -> CommandOutput {
    let mut command = environment.mirror_command();
    run_with_input(command.args(line.split_whitespace()), password)
}

#[test]
fn login_stores_a_password_from_stdin_readable_by_the_owner_only() {
    let environment = TestEnvironment::new().without_auth_files();
    let line = "login r.io -u me --password-stdin --no-verify";
    let output = login(&environment, line, &format!("{CANARY}\n")).exits(0);
    let file = environment.home().join(".docker/config.json");
    assert!(
        output.stdout.contains(file.to_str().unwrap()),
        "{}",
        output.stdout
    );
    let text = std::fs::read_to_string(&file).unwrap();
    let pair = BASE64_STANDARD.encode(format!("me:{CANARY}"));
    assert!(text.contains("\"r.io\"") && text.contains(&pair), "{text}");
    assert_eq!(file_mode(&file), 0o600);
}

#[test]
fn login_writes_to_the_file_of_authfile() {
    let environment = TestEnvironment::new().without_auth_files();
    login(
        &environment,
        "login r.io/team -u me --password-stdin --no-verify --authfile auth.json",
        "x",
    )
    .exits(0);
    assert!(environment.read("auth.json").contains("\"r.io/team\""));
    assert!(!environment.home().join(".docker").exists());
}

#[test]
fn login_never_prompts_without_a_terminal() {
    let environment = TestEnvironment::new().without_auth_files();
    let table = [
        ("login r.io", "--password-stdin"),
        ("login r.io -u me", "--password-stdin"),
        ("login r.io --password-stdin", "--username"),
        ("login r.io/ -u me --password-stdin", "empty"),
    ];
    for (line, want) in table {
        let output = login(&environment, line, "\n").exits(2);
        assert!(output.stderr.contains(want), "{line}: {}", output.stderr);
    }
    assert!(!environment.home().join(".docker").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn login_stores_only_credentials_that_the_registry_accepts() {
    let tokens = TokenServer::new()
        .user("me", CANARY)
        .anonymous(Anonymous::Refused)
        .start()
        .await;
    let by_token = Distribution::new().token(tokens.auth()).start().await;
    let by_password = Distribution::new().htpasswd("me", CANARY).start().await;
    let open = Distribution::new().start().await;
    let down = "127.0.0.1:1".to_owned();
    let wrong = testkit::canary!("wrong-");
    // Host, password, code, text of stderr.
    for (host, password, code, text) in [
        (by_token.host(), CANARY, 0, ""),
        (by_token.host(), wrong, 4, "refused the credentials"),
        (by_password.host(), CANARY, 0, ""),
        (format!("{}/team", by_password.host()), CANARY, 0, ""),
        (by_password.host(), wrong, 4, "refused the credentials"),
        (open.host(), CANARY, 0, "requests none"),
        (down, CANARY, 1, "--no-verify"),
    ] {
        let environment = TestEnvironment::new().without_auth_files();
        let line = format!("login {host} -u me --password-stdin --authfile auth.json");
        environment.write("auth.json", "{}");
        let output = block(|| login(&environment, &line, password)).exits(code);
        assert!(output.stderr.contains(text), "{line}: {output:?}");
        let is_stored = environment.read("auth.json").contains(&host);
        assert_eq!(is_stored, code == 0, "{line}");
        if code != 0 {
            let line = format!("{line} --no-verify");
            block(|| login(&environment, &line, password)).exits(0);
            assert!(environment.read("auth.json").contains(&host), "{line}");
        }
    }
}

#[test]
fn status_lists_credentials_without_secrets() {
    let environment = TestEnvironment::new().without_auth_files();
    environment.write(
        "auth.json",
        json!({
            "auths": {
                "r.io/team": {"auth": BASE64_STANDARD.encode(format!("me:{CANARY}"))},
                "broken.io": {"auth": "%"},
            },
            "credHelpers": {"h.io": "vault"},
        })
        .to_string(),
    );
    let environment =
        environment.with_env("DOCKER_AUTH_CONFIG", &auth_file(&[("r.io", "ci", CANARY)]));
    let line = "login --status --authfile auth.json";
    let output = environment.mirror(line).exits(0);
    for row in [
        "h.io       auth.json, docker-credential-vault\n",
        "r.io/team  auth.json, user me\n",
        "broken.io  auth.json, unusable: `auth` is not base64\n",
        "r.io       DOCKER_AUTH_CONFIG, user ci\n",
    ] {
        assert!(output.stdout.contains(row), "{row}: {}", output.stdout);
    }
    let line = format!("{line} --output json r.io/team/app");
    let document = environment.mirror(&line).exits(0).json();
    let hosts = document["logins"].as_array().unwrap().iter();
    let hosts: Vec<_> = hosts.map(|login| login["host"].as_str().unwrap()).collect();
    assert_eq!(hosts, ["r.io/team", "r.io"]);
    let none = TestEnvironment::new().without_auth_files();
    let output = none.mirror("login --status").exits(0);
    assert_eq!(output.stdout, "no credentials stored\n");
}

#[test]
fn logout_removes_the_credentials_that_login_stored() {
    let environment = TestEnvironment::new().without_auth_files();
    let stored = auth_file(&[("r.io", "me", CANARY), ("r.io/team", "me", CANARY)]);
    environment.write("auth.json", stored);
    let line = "logout r.io --authfile auth.json";
    let output = environment.mirror(line).exits(0);
    assert!(output.stdout.contains("removed from /"), "{output:?}");
    let left = environment.read("auth.json");
    assert!(
        !left.contains("\"r.io\"") && left.contains("r.io/team"),
        "{left}"
    );
    let again = environment.mirror(line).exits(1);
    assert!(
        again.stderr.contains("no credentials for r.io"),
        "{again:?}"
    );

    let other = environment.with_env("DOCKER_AUTH_CONFIG", &auth_file(&[("r.io", "ci", CANARY)]));
    other.write("auth.json", auth_file(&[("r.io", "me", CANARY)]));
    let output = other.mirror(line).exits(0);
    let warning = "credentials for r.io remain in DOCKER_AUTH_CONFIG";
    assert!(output.stderr.contains(warning), "{output:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn login_verifies_at_a_host_with_settings_of_its_own() {
    let registry = Distribution::new().htpasswd("me", CANARY).start().await;
    let host = registry.host();
    let environment = TestEnvironment::new().without_auth_files();
    let line = format!("login {host} -u me --password-stdin --insecure {host} --output json");
    let document = login(&environment, &line, CANARY).exits(0).json();
    assert_eq!(document["verified"], true);
}
