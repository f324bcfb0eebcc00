//! SIGINT and SIGTERM while a run waits for a registry and while it copies.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::Child;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use embedded_registry::{Registry, RunningRegistry};
use testkit::Chart;
use testkit::proxy::{FaultProxy, Rule};
use tokio::sync::mpsc;

use crate::environment::{
    CommandOutput, TestEnvironment, complete_tags, output_of, send_signal, small_image,
    spawn_piped, try_send_signal,
};

/// Starts a run that waits for a registry which accepts connections and sends nothing.
fn start_waiting(environment: &TestEnvironment, listener: &TcpListener, args: &[&str]) -> Child {
    let host = listener.local_addr().unwrap();
    environment.write("images-list", format!("{host}/a {host}/b 1\n"));
    let mut command = environment.mirror_command();
    let child = spawn_piped(command.args(args));
    // The binary installs its signal handlers before it connects.
    listener.accept().unwrap();
    child
}

#[test]
fn first_signal_ends_a_waiting_run_with_its_report() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let environment = TestEnvironment::new();
    let args = ["sync", "--output", "json", "--report", "report.json"];
    let child = start_waiting(&environment, &listener, &args);
    send_signal(&child, "TERM");
    let output = output_of(child).exits(130);
    let report = environment.read_json("report.json");
    assert_eq!(report, output.json());
    assert_eq!(report["rows"][0]["status"], "skipped");
    assert!(output.stderr.contains("interrupted"), "{}", output.stderr);
}

#[test]
fn second_signal_ends_rows_in_flight_with_the_report() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let environment = TestEnvironment::new();
    let mut child = start_waiting(
        &environment,
        &listener,
        &["sync", "--report", "report.json", "--grace", "1h"],
    );
    send_signal(&child, "INT");
    // Two pending signals count as one: wait until the first is handled.
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("interrupted") {
        line.clear();
        assert_ne!(
            stderr.read_line(&mut line).unwrap(),
            0,
            "the first signal ended the run"
        );
    }
    assert!(line.contains("waiting up to 3600 s"), "{line}");
    send_signal(&child, "INT");
    let output = output_of(child).exits(130);
    assert!(
        output.stdout.contains("interrupted: 1 row: 0 copied"),
        "{}",
        output.stdout
    );
    let report = environment.read_json("report.json");
    assert_eq!(report["rows"][0]["status"], "skipped", "{report}");
}

#[test]
fn interrupt_while_applying_keeps_the_printed_result() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap();
    let helm = testkit::program("helm");
    let environment = TestEnvironment::new().with_env("HELM", helm.to_str().unwrap());
    let chart = Chart::new("web", "1.0.0").pod("web", &format!("{host}/a:2"));
    chart.write(&environment.path(""));
    let config = r#"{"x": {"versionSource": "helm-directory:.", "helmCharts": {"web": {}}}}"#;
    environment.write("config.json", config);
    let args = ["retrieve-tags", "--apply", "--output", "json"];
    let child = start_waiting(&environment, &listener, &args);
    send_signal(&child, "INT");
    let output = output_of(child).exits(130);
    let want = serde_json::json!({"x": {"full_images": [format!("{host}/a:2")]}});
    assert_eq!(output.json(), want);
    assert!(
        output.stderr.contains("error: interrupted"),
        "{}",
        output.stderr
    );
}

/// More rows than a run copies at once.
const ROWS: usize = 300;

/// A run that is interrupted while it copies.
struct LongRun {
    environment: TestEnvironment,
    _source: RunningRegistry,
    destination: RunningRegistry,
    proxy: FaultProxy,
}

impl LongRun {
    async fn new() -> Self {
        let source = Registry::new().start().await.unwrap();
        let destination = Registry::new().start().await.unwrap();
        let proxy = FaultProxy::start(destination.address()).await;
        let image = small_image(1);
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
            destination,
            proxy,
        }
    }

    /// Runs `sync` and sends the signal when the first blob arrives at the destination.
    async fn interrupt(&self, signal: &str) -> CommandOutput {
        let (sender, mut arrived) = mpsc::channel(1);
        let sent = AtomicBool::new(false);
        let first = Rule::new("PUT", "/blobs/").when(move |_| {
            if !sent.swap(true, Ordering::Relaxed) {
                sender.try_send(()).ok();
            }
            false
        });
        self.proxy.add(first);
        // Copies in flight take a while to finish.
        self.proxy.set_latency(Duration::from_millis(20));
        let mut command = self.environment.mirror_command();
        command.args(["sync", "--output", "json", "--report", "report.json"]);
        let child = spawn_piped(&mut command);
        let process = child.id();
        // The debug lines fill a pipe before the signal is sent, so the output is read from the start.
        let output = tokio::task::spawn_blocking(|| output_of(child));
        arrived.recv().await.unwrap();
        assert!(try_send_signal(process, signal), "no process for {signal}");
        output.await.unwrap().exits(130)
    }
}

async fn assert_finishes_started_copies(signal: &str) {
    let run = LongRun::new().await;
    let document = run.interrupt(signal).await.json();
    assert_eq!(run.environment.read_json("report.json"), document);
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
    assert!(copied > 0, "no copy in flight was finished");
    assert!(skipped > 0, "every row was copied after the signal");
    let repositories: Vec<_> = (0..ROWS).map(|number| format!("image-{number}")).collect();
    let tags = complete_tags(&run.destination.host(), &repositories).await;
    for (number, row) in rows.iter().enumerate() {
        let tagged = tags.contains_key(&format!("image-{number}:1"));
        assert_eq!(tagged, row["status"] == "copied", "{row}");
    }
    run.proxy.clear_rules();
    run.proxy.set_latency(Duration::ZERO);
    let again = run.environment.mirror("sync --output json").exits(0).json();
    assert_eq!(again["summary"]["unchanged"], copied);
    assert_eq!(again["summary"]["copied"], skipped);
}

#[tokio::test(flavor = "multi_thread")]
async fn sigint_finishes_started_copies_and_skips_the_rest() {
    assert_finishes_started_copies("INT").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_finishes_started_copies_and_skips_the_rest() {
    assert_finishes_started_copies("TERM").await;
}
