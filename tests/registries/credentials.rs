//! User and password, wherever they are kept.

use std::io::Write;
use std::process::{Command, Stdio};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use embedded_registry::images::{Bundle, Platform, sample_image};
use serde_json::json;
use testkit::clients::Crane;
use testkit::processes::{Distribution, RegistryProcess, Version};
use testkit::push::Pusher;
use tokio::task::block_in_place;

use crate::environment::{Finished, TestEnvironment};

const READER: (&str, &str) = ("reader", testkit::canary!("re@d:"));
const WRITER: (&str, &str) = ("writer", testkit::canary!("wr!te-"));

/// Two registries that want to know who comes. `team/app:v1` is at the source.
struct Closed {
    environment: TestEnvironment,
    image: Bundle,
    source: RegistryProcess,
    target: RegistryProcess,
}

impl Closed {
    async fn new() -> Self {
        let source = Distribution::new().htpasswd(READER.0, READER.1);
        let target = Distribution::new()
            .version(Version::V3)
            .htpasswd(WRITER.0, WRITER.1);
        let (source, target) = (source.start().await, target.start().await);
        let image = sample_image("app", 1, &[Platform::linux("amd64")], 2).unwrap();
        let pusher = Pusher::new(&source.host()).basic(READER.0, READER.1);
        pusher.bundle(&image, "team/app", Some("v1")).await;
        let environment = TestEnvironment::new();
        let row = format!(
            "{}/team/app {}/mirror/app v1\n",
            source.host(),
            target.host()
        );
        environment.write("images-list", row);
        Self {
            environment,
            image,
            source,
            target,
        }
    }

    fn mirror(&self, line: &str) -> Finished {
        block_in_place(|| self.environment.mirror(line))
    }

    fn auths(&self, source: (&str, &str), target: (&str, &str)) -> String {
        let auth = |(user, password)| json!({"auth": BASE64_STANDARD.encode(format!("{user}:{password}"))});
        let auths = json!({
            // The longest path counts.
            self.source.host(): auth(("somebody", "else")),
            format!("{}/team", self.source.host()): auth(source),
            self.target.host(): auth(target),
        });
        json!({ "auths": auths }).to_string()
    }

    async fn has_arrived(&self) {
        let host = self.target.host();
        let crane = Crane::new().credentials(&host, WRITER.0, WRITER.1);
        let reference = format!("{host}/mirror/app:v1");
        assert_eq!(
            crane.digest(&reference).await.unwrap(),
            self.image.digest().as_ref()
        );
        crane.validate(&reference).await.unwrap();
    }

    fn login(&self, host: &str, (user, password): (&str, &str)) -> Finished {
        let mut command = self.environment.command();
        command.args(["login", host, "-u", user, "--password-stdin"]);
        with_input(command, password)
    }
}

fn with_input(mut command: Command, input: &str) -> Finished {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    Finished::of(block_in_place(|| child.wait_with_output()).unwrap())
}

/// No password, in the clear or as it is sent, stands in what was written.
fn assert_no_secret(done: &Finished) {
    for (user, password) in [READER, WRITER] {
        let sent = BASE64_STANDARD.encode(format!("{user}:{password}"));
        for secret in [password, &sent] {
            assert!(!done.stdout.contains(secret), "{}", done.stdout);
            assert!(!done.stderr.contains(secret), "{}", done.stderr);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auth_file_by_option_and_by_environment() {
    let mut closed = Closed::new().await;
    closed
        .environment
        .write("auth.json", closed.auths(READER, WRITER));
    let done = closed.mirror("sync -vv --authfile auth.json").exits(0);
    assert_no_secret(&done);
    closed.has_arrived().await;
    let file = closed.environment.path("auth.json");
    closed.environment = closed
        .environment
        .with("REGISTRY_AUTH_FILE", file.to_str().unwrap());
    closed.mirror("compare").exits(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_login_stores_is_what_sync_finds() {
    let closed = Closed::new().await;
    for (host, who) in [
        (closed.source.host(), READER),
        (closed.target.host(), WRITER),
    ] {
        let done = closed.login(&host, who).exits(0);
        assert_no_secret(&done);
    }
    closed.mirror("sync").exits(0);
    closed.has_arrived().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_helper_is_asked_once_for_each_host() {
    let mut closed = Closed::new().await;
    let (from, to) = (closed.source.host(), closed.target.host());
    let answer = |(user, password)| json!({"Username": user, "Secret": password}).to_string();
    let script = format!(
        "#!/bin/sh\nread host\necho \"$1 $host\" >> '{}'\ncase $host in\n{from}) echo '{}';;\n\
         {to}) echo '{}';;\n*) echo 'credentials not found in native keychain'; exit 1;;\nesac\n",
        closed.environment.path("asked").display(),
        answer(READER),
        answer(WRITER),
    );
    // Written by another process: open for writing here while another test starts a program, it
    // could not be run.
    let write = "cat > docker-credential-test && chmod 700 docker-credential-test";
    let mut shell = Command::new("/bin/sh");
    shell
        .args(["-c", write])
        .current_dir(closed.environment.path(""));
    with_input(shell, &script).exits(0);
    closed.environment = closed.environment.with_no_auth_files();
    let docker = closed.environment.home().join(".docker");
    std::fs::create_dir(&docker).unwrap();
    let config = json!({"credHelpers": {from.as_str(): "test", to.as_str(): "test"}});
    std::fs::write(docker.join("config.json"), config.to_string()).unwrap();
    let path = format!("{}:/usr/bin:/bin", closed.environment.path("").display());
    closed.environment = closed.environment.with("PATH", &path);
    let done = closed.mirror("sync -vv").exits(0);
    assert_no_secret(&done);
    closed.has_arrived().await;
    let asked = closed.environment.read("asked");
    let mut asked: Vec<_> = asked.lines().collect();
    asked.sort_unstable();
    let mut want = [format!("get {from}"), format!("get {to}")];
    want.sort_unstable();
    assert_eq!(asked, want);
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_credentials_are_exit_4_and_say_where_to_log_in() {
    let closed = Closed::new().await;
    let (from, to) = (closed.source.host(), closed.target.host());
    let wrong = (READER.0, testkit::canary!("wrong-"));
    let table = [
        (json!({}).to_string(), &from, "no credentials were sent"),
        (closed.auths(wrong, WRITER), &from, "refused"),
        (
            closed.auths(READER, (WRITER.0, testkit::canary!("wrong-"))),
            &to,
            "refused",
        ),
    ];
    for (auths, host, says) in table {
        closed.environment.write("auth.json", auths);
        let done = closed
            .mirror("sync --authfile auth.json --output json")
            .exits(4);
        assert_no_secret(&done);
        let document = done.json();
        let hint = document["rows"][0]["error"]["hint"].as_str().unwrap();
        assert!(hint.contains(&format!("`mirror login {host}`")), "{hint}");
        assert!(hint.contains(says), "{hint}");
    }
    for line in [
        format!("tags {from}/team/app"),
        format!("inspect {from}/team/app:v1"),
    ] {
        let done = closed.mirror(&line).exits(4);
        assert!(
            done.stderr.contains(&format!("`mirror login {from}`")),
            "{}",
            done.stderr
        );
    }
    let written = closed.target.requests().await.into_iter();
    let written = written.filter(|request| request.status.is_some_and(|status| status < 300));
    assert_eq!(written.filter(|request| request.method == "PUT").count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_refused_row_does_not_stop_an_open_one() {
    let closed = Closed::new().await;
    let open = Distribution::new().start().await;
    let pusher = Pusher::new(&open.host());
    pusher.bundle(&closed.image, "app", Some("v1")).await;
    let rows = closed.environment.read("images-list");
    let (host, source) = (open.host(), closed.source.host());
    let more = format!("{host}/app {host}/mirror/app v1\n{source}/team/app {host}/b v1\n");
    closed.environment.write("images-list", rows + &more);
    let document = closed.mirror("sync --output json").exits(4).json();
    assert_eq!(
        super::pair::column(&document, "status"),
        ["failed", "copied", "failed"]
    );
    Crane::new()
        .validate(&format!("{host}/mirror/app:v1"))
        .await
        .unwrap();
}
