//! SIGUSR1: a run that seems stuck is asked what it is doing.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use embedded_registry::images::{Format, Image, Layer, Platform};
use embedded_registry::{Registry, RunningRegistry};
use serde_json::Value;
use testkit::proxy::{Action, FaultProxy, Rule};

use crate::environment::{TestEnvironment, is_not_in};

/// Streamed: more than what is read whole before it is sent.
const LARGE: usize = 900_000;
/// The bytes of it that come.
const THERE: u64 = 300_000;
/// No answer takes as long.
const PATIENCE: Duration = Duration::from_secs(20);

/// A run over one row between two registries, the source's behind a proxy.
struct Stuck {
    environment: TestEnvironment,
    source: RunningRegistry,
    target: RunningRegistry,
    proxy: FaultProxy,
}

impl Stuck {
    async fn new(rule: Rule) -> Self {
        let source = Registry::new().start().await.unwrap();
        let target = Registry::new().start().await.unwrap();
        let proxy = FaultProxy::start(source.address()).await;
        let image = Image::new(Format::Oci, Platform::linux("amd64"))
            .layer(Layer::random(7, LARGE).unwrap())
            .build();
        image.push(&source, "a", Some("1"));
        proxy.add(rule);
        let environment = TestEnvironment::new();
        let list = format!("{}/a {}/m/a 1\n", proxy.host(), target.host());
        environment.write("images-list", list);
        Self {
            environment,
            source,
            target,
            proxy,
        }
    }

    fn start(&self, line: &str) -> Asked {
        let mut command = self.environment.quiet();
        command.args(line.split(' '));
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (sender, lines) = channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || {
            for line in stderr.lines() {
                sender.send(line.unwrap()).ok();
            }
        });
        Asked { child, lines }
    }
}

struct Asked {
    child: Child,
    lines: Receiver<String>,
}

impl Asked {
    fn send(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &id])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Asks until the answer says all of this.
    fn told(&self, words: &[&str]) -> String {
        let begun = Instant::now();
        let mut told = String::new();
        while !words.iter().all(|word| told.contains(word)) {
            assert!(begun.elapsed() < PATIENCE, "{words:?} not in:\n{told}");
            std::thread::sleep(Duration::from_millis(200));
            self.send("-USR1");
            std::thread::sleep(Duration::from_millis(100));
            told = self.lines.try_iter().collect::<Vec<_>>().join("\n");
            is_not_in("what a run tells", &told);
        }
        told
    }

    fn ends(mut self) -> String {
        self.send("-TERM");
        let mut stdout = String::new();
        let mut out = self.child.stdout.take().unwrap();
        out.read_to_string(&mut stdout).unwrap();
        assert_eq!(self.child.wait().unwrap().code(), Some(130));
        stdout
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stalled_transfer_is_told_with_its_age_and_last_byte() {
    // The config is shorter than that, and whole.
    let stall = Rule::new("GET", "/blobs/").does(Action::StallInBody { after: THERE });
    let stuck = Stuck::new(stall).await;
    let asked = stuck.start("sync --quiet --output json");
    let told = asked.told(&["transfer  ", "last byte 1."]);
    let (from, to) = (stuck.proxy.host(), stuck.target.host());
    for want in [
        "0 of 1 rows done, 0 failed, 1 under way".to_owned(),
        format!("  transfer  {to}/m/a sha256:"),
        ": 292.97 KiB of ".to_owned(),
        format!("  request   PUT http://{to}/v2/m/a/blobs/uploads/"),
        " of the body left, waits for them\n".to_owned(),
        format!("  request   GET http://{from}/v2/a/blobs/sha256:"),
        "292.97 KiB of the answer there, last byte ".to_owned(),
        format!("  row       {from}/a:1 -> {to}/m/a:1: begun "),
    ] {
        assert!(told.contains(&want), "{want}:\n{told}");
    }
    let stdout = asked.ends();
    let document: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(document["rows"][0]["status"], "skipped", "{stdout}");
    assert!(!stdout.contains("under way"), "{stdout}");
    drop(stuck.source);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_that_a_registry_asked_for_is_told() {
    let throttle = Action::answer(429).header("retry-after", "60");
    let stuck = Stuck::new(Rule::new("HEAD", "/manifests/").does(throttle)).await;
    let asked = stuck.start("compare --log-format json");
    let told = asked.told(&["paused for 5"]);
    let line = told.lines().find(|line| line.contains("paused for 5"));
    let line: Value = serde_json::from_str(line.unwrap()).unwrap();
    let want = format!("{}: at most ", stuck.proxy.host());
    let message = line["message"].as_str().unwrap();
    assert!(message.contains(&want), "{message}");
    assert!(message.contains(" more as it asked"), "{message}");
    asked.ends();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_without_rows_is_not_ended_by_it() {
    let stall = Rule::new("GET", "/tags/list").does(Action::Stall);
    let stuck = Stuck::new(stall).await;
    let mut asked = stuck.start(&format!("tags {}/a", stuck.proxy.host()));
    asked.told(&["no rows are under way"]);
    assert!(asked.child.try_wait().unwrap().is_none(), "it ended");
    asked.child.kill().unwrap();
    asked.child.wait().unwrap();
}
