//! An interrupt in the middle of a large run. `tests/interrupt.rs` has those of
//! a run that waits for a silent registry.

use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use embedded_registry::images::{Platform, sample_image};
use embedded_registry::{Registry, RunningRegistry};
use serde_json::Value;
use testkit::proxy::{FaultProxy, Rule};
use tokio::sync::mpsc;

use super::walk::whole_tags;
use super::watched::run;
use crate::environment::{Finished, TestEnvironment};

/// More than are under way at once.
const ROWS: usize = 300;

struct Long {
    environment: TestEnvironment,
    _source: RunningRegistry,
    target: RunningRegistry,
    proxy: FaultProxy,
}

impl Long {
    async fn new() -> Self {
        let source = Registry::new().start().await.unwrap();
        let target = Registry::new().start().await.unwrap();
        let proxy = FaultProxy::start(target.address()).await;
        let image = sample_image("a", 1, &[Platform::linux("amd64")], 1).unwrap();
        let mut list = String::new();
        for number in 0..ROWS {
            let name = format!("image-{number}");
            image.push(&source, &name, Some("1"));
            list += &format!("{}/{name} {}/{name} 1\n", source.host(), proxy.host());
        }
        let environment = TestEnvironment::new();
        environment.write("images-list", list);
        Self {
            environment,
            _source: source,
            target,
            proxy,
        }
    }

    /// A run that is sent the signal when the first blob arrives at the
    /// destination.
    async fn interrupted(&self, signal: &'static str) -> Finished {
        let (sender, mut arrived) = mpsc::channel(1);
        let sent = AtomicBool::new(false);
        let first = Rule::new("PUT", "/blobs/").when(move |_| {
            if !sent.swap(true, Ordering::Relaxed) {
                sender.try_send(()).ok();
            }
            false
        });
        self.proxy.add(first);
        // What is under way takes a while to end.
        self.proxy.set_latency(Duration::from_millis(20));
        let mut command = self.environment.command();
        command.args(["sync", "--output", "json", "--report", "report.json"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        arrived.recv().await.unwrap();
        send(signal, &child);
        let wait = move || Finished::of(child.wait_with_output().unwrap());
        tokio::task::spawn_blocking(wait).await.unwrap().exits(130)
    }
}

fn send(signal: &str, child: &Child) {
    let id = child.id().to_string();
    let sent = Command::new("kill").args([signal, &id]).status().unwrap();
    assert!(sent.success());
}

async fn ends_what_is_under_way(signal: &'static str) {
    let long = Long::new().await;
    let done = long.interrupted(signal).await;
    let document = done.json();
    let report: Value = serde_json::from_str(&long.environment.read("report.json")).unwrap();
    assert_eq!(report, document);
    let rows = document["rows"].as_array().unwrap();
    let count = |status: &str| {
        let summary = document["summary"][status].as_u64().unwrap() as usize;
        let of_status = rows.iter().filter(|row| row["status"] == status);
        assert_eq!(of_status.count(), summary, "{status}");
        summary
    };
    let (copied, skipped) = (count("copied"), count("skipped"));
    println!("{signal}: {copied} copied, {skipped} skipped");
    assert_eq!(copied + skipped, ROWS, "{}", document["summary"]);
    assert!(copied > 0, "what was under way was not ended");
    assert!(skipped > 0, "everything was copied after the signal");
    let repositories: Vec<_> = (0..ROWS).map(|number| format!("image-{number}")).collect();
    let tags = whole_tags(&long.target.host(), &repositories).await;
    for (number, row) in rows.iter().enumerate() {
        let there = tags.contains_key(&format!("image-{number}:1"));
        assert_eq!(there, row["status"] == "copied", "{row}");
    }
    long.proxy.clear_rules();
    long.proxy.set_latency(Duration::ZERO);
    let again = run(&long.environment, "sync --output json")
        .await
        .exits(0)
        .json();
    assert_eq!(again["summary"]["unchanged"], copied);
    assert_eq!(again["summary"]["copied"], skipped);
}

#[tokio::test(flavor = "multi_thread")]
async fn sigint_ends_what_is_under_way_and_skips_the_rest() {
    ends_what_is_under_way("-INT").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_ends_what_is_under_way_and_skips_the_rest() {
    ends_what_is_under_way("-TERM").await;
}
