//! SIGUSR1: a run prints its open rows, transfers and requests.

use std::io::{BufRead, BufReader, Read};
use std::process::Child;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use embedded_registry::images::{Format, Image, Layer, Platform};
use embedded_registry::{Registry, RunningRegistry};
use serde_json::Value;
use testkit::proxy::{Action, FaultProxy, Rule};

use crate::environment::{TestEnvironment, assert_no_canary, send_signal, spawn_piped};

/// Large enough to be streamed instead of buffered.
const LARGE: usize = 900_000;
/// Bytes of the blob that arrive before the stall.
const RECEIVED: u64 = 300_000;
/// Deadline for a matching status.
const DEADLINE: Duration = Duration::from_secs(20);

/// One row between two registries; a proxy stalls the source.
struct StalledSync {
    environment: TestEnvironment,
    source: RunningRegistry,
    destination: RunningRegistry,
    proxy: FaultProxy,
}

impl StalledSync {
    async fn new(rule: Rule) -> Self {
        let source = Registry::new().start().await.unwrap();
        let destination = Registry::new().start().await.unwrap();
        let proxy = FaultProxy::start(source.address()).await;
        let image = Image::new(Format::Oci, Platform::linux("amd64"))
            .layer(Layer::random(7, LARGE).unwrap())
            .build();
        image.push(&source, "a", Some("1"));
        proxy.add(rule);
        let environment = TestEnvironment::new();
        let list = format!("{}/a {}/m/a 1\n", proxy.host(), destination.host());
        environment.write("images-list", list);
        Self {
            environment,
            source,
            destination,
            proxy,
        }
    }

    fn start(&self, line: &str) -> RunningSync {
        let mut command = self.environment.mirror_command_without_vv();
        let mut child = spawn_piped(command.args(line.split(' ')));
        let (sender, lines) = channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || {
            for line in stderr.lines() {
                sender.send(line.unwrap()).ok();
            }
        });
        RunningSync { child, lines }
    }
}

struct RunningSync {
    child: Child,
    lines: Receiver<String>,
}

impl RunningSync {
    /// Sends SIGUSR1 until the printed status matches, and returns it.
    fn wait_for_status(&self, matches: impl Fn(&str) -> bool) -> String {
        let start = Instant::now();
        let mut status = String::new();
        while !matches(&status) {
            assert!(start.elapsed() < DEADLINE, "no match:\n{status}");
            std::thread::sleep(Duration::from_millis(200));
            send_signal(&self.child, "USR1");
            std::thread::sleep(Duration::from_millis(100));
            status = self.lines.try_iter().collect::<Vec<_>>().join("\n");
            assert_no_canary("the status", &status);
        }
        status
    }

    /// Terminates the run and returns its stdout.
    fn terminate(mut self) -> String {
        send_signal(&self.child, "TERM");
        let mut stdout = String::new();
        let mut out = self.child.stdout.take().unwrap();
        out.read_to_string(&mut stdout).unwrap();
        assert_eq!(self.child.wait().unwrap().code(), Some(130));
        stdout
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn status_shows_age_and_last_byte_of_a_stalled_transfer() {
    // The config is shorter than that and arrives complete.
    let stall = Rule::new("GET", "/blobs/").does(Action::StallInBody { after: RECEIVED });
    let sync = StalledSync::new(stall).await;
    let run = sync.start("sync --quiet --output json");
    // The age of the last byte grows from 0 s.
    let status = run.wait_for_status(|status| {
        let age = status.split_once("last byte ").map(|(_, age)| age);
        status.contains("transfer  ") && age.is_some_and(|age| !age.starts_with('0'))
    });
    let (from, to) = (sync.proxy.host(), sync.destination.host());
    for want in [
        "0 of 1 rows done, 0 failed, 1 in progress".to_owned(),
        format!("  transfer  {to}/m/a sha256:"),
        ": 292.97 KiB of ".to_owned(),
        format!("  request   PUT http://{to}/v2/m/a/blobs/uploads/"),
        " of the request body remaining, waiting for the source\n".to_owned(),
        format!("  request   GET http://{from}/v2/a/blobs/sha256:"),
        "292.97 KiB of the response received, last byte ".to_owned(),
        format!("  row       {from}/a:1 -> {to}/m/a:1: started "),
    ] {
        assert!(status.contains(&want), "{want}:\n{status}");
    }
    let stdout = run.terminate();
    let document: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(document["rows"][0]["status"], "skipped", "{stdout}");
    assert!(!stdout.contains("in progress"), "{stdout}");
    drop(sync.source);
}

#[tokio::test(flavor = "multi_thread")]
async fn status_shows_the_pause_that_a_registry_requested() {
    let throttle = Action::answer(429).header("retry-after", "60");
    let sync = StalledSync::new(Rule::new("HEAD", "/manifests/").does(throttle)).await;
    let run = sync.start("compare --log-format json");
    let status = run.wait_for_status(|status| status.contains("paused for another 5"));
    let line = status
        .lines()
        .find(|line| line.contains("paused for another 5"));
    let line: Value = serde_json::from_str(line.unwrap()).unwrap();
    let want = format!("{}: at most ", sync.proxy.host());
    let message = line["message"].as_str().unwrap();
    assert!(message.contains(&want), "{message}");
    assert!(message.contains(" (requested by the host)"), "{message}");
    run.terminate();
}

#[tokio::test(flavor = "multi_thread")]
async fn status_signal_does_not_end_a_command_without_rows() {
    let stall = Rule::new("GET", "/tags/list").does(Action::Stall);
    let sync = StalledSync::new(stall).await;
    let mut run = sync.start(&format!("tags {}/a", sync.proxy.host()));
    run.wait_for_status(|status| status.contains("no rows are in progress"));
    assert!(
        run.child.try_wait().unwrap().is_none(),
        "the signal ended the run"
    );
    run.child.kill().unwrap();
    run.child.wait().unwrap();
}
