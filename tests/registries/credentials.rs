//! Passwords from auth files, `mirror login` and credential helpers.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use embedded_registry::images::{Bundle, Platform, sample_image};
use serde_json::json;
use testkit::clients::Crane;
use testkit::processes::{Distribution, RegistryProcess, Version};
use testkit::push::Pusher;

use crate::environment::{CommandOutput, TestEnvironment, auth_file, column, run_with_input};

const READER: (&str, &str) = ("reader", testkit::canary!("re@d:"));
const WRITER: (&str, &str) = ("writer", testkit::canary!("wr!te-"));

/// Two registries that require a password. The source has `team/app:v1`.
struct PasswordMirror {
    environment: TestEnvironment,
    image: Bundle,
    source: RegistryProcess,
    destination: RegistryProcess,
}

impl PasswordMirror {
    async fn new() -> Self {
        let source = Distribution::new().htpasswd(READER.0, READER.1);
        let destination = Distribution::new()
            .version(Version::V3)
            .htpasswd(WRITER.0, WRITER.1);
        let (source, destination) = (source.start().await, destination.start().await);
        let image = sample_image("app", 1, &[Platform::linux("amd64")], 2).unwrap();
        let pusher = Pusher::new(&source.host()).basic(READER.0, READER.1);
        pusher.bundle(&image, "team/app", Some("v1")).await;
        let environment = TestEnvironment::new();
        let row = format!(
            "{}/team/app {}/mirror/app v1\n",
            source.host(),
            destination.host()
        );
        environment.write("images-list", row);
        Self {
            environment,
            image,
            source,
            destination,
        }
    }

    fn run(&self, line: &str) -> CommandOutput {
        self.environment.mirror(line)
    }

    fn auth_file(&self, source: (&str, &str), destination: (&str, &str)) -> String {
        let (from, to) = (self.source.host(), self.destination.host());
        auth_file(&[
            // The entry with the longest path applies.
            (&from, "other", "password"),
            (&format!("{from}/team"), source.0, source.1),
            (&to, destination.0, destination.1),
        ])
    }

    async fn assert_copied(&self) {
        let host = self.destination.host();
        let crane = Crane::new().credentials(&host, WRITER.0, WRITER.1);
        let reference = format!("{host}/mirror/app:v1");
        assert_eq!(
            crane.digest(&reference).await.unwrap(),
            self.image.digest().as_ref()
        );
        crane.validate(&reference).await.unwrap();
    }

    fn login(&self, host: &str, (user, password): (&str, &str)) -> CommandOutput {
        let mut command = self.environment.mirror_command();
        command.args(["login", host, "-u", user, "--password-stdin"]);
        run_with_input(&mut command, password)
    }
}

/// Asserts that the output has no password, in plain text or as base64.
fn assert_no_secret(output: &CommandOutput) {
    for (user, password) in [READER, WRITER] {
        let sent = BASE64_STANDARD.encode(format!("{user}:{password}"));
        for secret in [password, &sent] {
            assert!(!output.stdout.contains(secret), "{}", output.stdout);
            assert!(!output.stderr.contains(secret), "{}", output.stderr);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sync_reads_the_auth_file_from_option_or_environment() {
    let mut mirror = PasswordMirror::new().await;
    mirror
        .environment
        .write("auth.json", mirror.auth_file(READER, WRITER));
    let output = mirror.run("sync -vv --authfile auth.json").exits(0);
    assert_no_secret(&output);
    mirror.assert_copied().await;
    let file = mirror.environment.path("auth.json");
    mirror.environment = mirror
        .environment
        .with_env("REGISTRY_AUTH_FILE", file.to_str().unwrap());
    mirror.run("compare").exits(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn sync_uses_the_password_that_login_stored() {
    let mirror = PasswordMirror::new().await;
    for (host, login) in [
        (mirror.source.host(), READER),
        (mirror.destination.host(), WRITER),
    ] {
        let output = mirror.login(&host, login).exits(0);
        assert_no_secret(&output);
    }
    mirror.run("sync").exits(0);
    mirror.assert_copied().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn credential_helper_runs_once_per_host() {
    let mut mirror = PasswordMirror::new().await;
    let (from, to) = (mirror.source.host(), mirror.destination.host());
    let response = |(user, password)| json!({"Username": user, "Secret": password}).to_string();
    let script = format!(
        "#!/bin/sh\nread host\necho \"$1 $host\" >> '{}'\ncase $host in\n{from}) echo '{}';;\n\
         {to}) echo '{}';;\n*) echo 'credentials not found in native keychain'; exit 1;;\nesac\n",
        mirror.environment.path("helper-calls").display(),
        response(READER),
        response(WRITER),
    );
    let helpers = mirror
        .environment
        .install_script("bin", "docker-credential-test", &script);
    mirror.environment = mirror.environment.without_auth_files();
    let docker = mirror.environment.home().join(".docker");
    std::fs::create_dir(&docker).unwrap();
    let config = json!({"credHelpers": {from.as_str(): "test", to.as_str(): "test"}});
    std::fs::write(docker.join("config.json"), config.to_string()).unwrap();
    let path = format!("{}:/usr/bin:/bin", helpers.display());
    mirror.environment = mirror.environment.with_env("PATH", &path);
    let output = mirror.run("sync -vv").exits(0);
    assert_no_secret(&output);
    mirror.assert_copied().await;
    let calls = mirror.environment.read("helper-calls");
    let mut calls: Vec<_> = calls.lines().collect();
    calls.sort_unstable();
    let mut want = [format!("get {from}"), format!("get {to}")];
    want.sort_unstable();
    assert_eq!(calls, want);
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_credentials_exit_4_with_a_login_hint() {
    let mirror = PasswordMirror::new().await;
    let (from, to) = (mirror.source.host(), mirror.destination.host());
    let wrong = (READER.0, testkit::canary!("wrong-"));
    let table = [
        (json!({}).to_string(), &from, "no credentials were sent"),
        (
            mirror.auth_file(wrong, WRITER),
            &from,
            "the account may read",
        ),
        (
            mirror.auth_file(READER, (WRITER.0, testkit::canary!("wrong-"))),
            &to,
            "the account may write",
        ),
    ];
    for (auths, host, cause) in table {
        mirror.environment.write("auth.json", auths);
        let output = mirror
            .run("sync --authfile auth.json --output json")
            .exits(4);
        assert_no_secret(&output);
        let document = output.json();
        let hint = document["rows"][0]["error"]["hint"].as_str().unwrap();
        assert!(hint.contains(&format!("`mirror login {host}`")), "{hint}");
        assert!(hint.contains(cause), "{hint}");
    }
    for line in [
        format!("tags {from}/team/app"),
        format!("inspect {from}/team/app:v1"),
    ] {
        let output = mirror.run(&line).exits(4);
        assert!(
            output.stderr.contains(&format!("`mirror login {from}`")),
            "{}",
            output.stderr
        );
    }
    let requests = mirror.destination.requests().await.into_iter();
    let written = requests.filter(|request| request.status.is_some_and(|status| status < 300));
    assert_eq!(written.filter(|request| request.method == "PUT").count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_row_does_not_stop_the_others() {
    let mirror = PasswordMirror::new().await;
    let open = Distribution::new().start().await;
    let pusher = Pusher::new(&open.host());
    pusher.bundle(&mirror.image, "app", Some("v1")).await;
    let rows = mirror.environment.read("images-list");
    let (host, source) = (open.host(), mirror.source.host());
    let more = format!("{host}/app {host}/mirror/app v1\n{source}/team/app {host}/b v1\n");
    mirror.environment.write("images-list", rows + &more);
    let document = mirror.run("sync --output json").exits(4).json();
    assert_eq!(column(&document, "status"), ["failed", "copied", "failed"]);
    Crane::new()
        .validate(&format!("{host}/mirror/app:v1"))
        .await
        .unwrap();
}
