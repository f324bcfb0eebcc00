//! SIGINT and SIGTERM

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use testkit::Chart;

use crate::environment::{Finished, TestEnvironment};

/// A run that waits for a registry which takes connections and says nothing.
fn waiting(environment: &TestEnvironment, listener: &TcpListener, args: &[&str]) -> Child {
    let host = listener.local_addr().unwrap();
    environment.write("images-list", format!("{host}/a {host}/b 1\n"));
    let mut command = environment.command();
    command
        .args(args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    // Once it has connected, it listens for signals.
    listener.accept().unwrap();
    child
}

fn send(signal: &str, child: &Child) {
    let mut kill = std::process::Command::new("kill");
    let sent = kill
        .args([signal, &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
}

#[test]
fn the_first_signal_ends_the_run_with_its_report() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let environment = TestEnvironment::new();
    let args = ["sync", "--output", "json", "--report", "report.json"];
    let child = waiting(&environment, &listener, &args);
    let start = Instant::now();
    send("-TERM", &child);
    let done = Finished::of(child.wait_with_output().unwrap()).exits(130);
    assert!(
        start.elapsed() < Duration::from_secs(10),
        "{:?}",
        start.elapsed()
    );
    let report: Value = serde_json::from_str(&environment.read("report.json")).unwrap();
    assert_eq!(report, done.json());
    assert_eq!(report["rows"][0]["status"], "skipped");
    assert!(done.stderr.contains("interrupted"), "{}", done.stderr);
}

#[test]
fn a_second_signal_leaves_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let environment = TestEnvironment::new();
    let mut child = waiting(
        &environment,
        &listener,
        &["sync", "--report", "report.json"],
    );
    let start = Instant::now();
    send("-INT", &child);
    // Two signals at once would be one: the first has to be heard.
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("interrupted") {
        line.clear();
        assert_ne!(
            stderr.read_line(&mut line).unwrap(),
            0,
            "it ended at the first"
        );
    }
    send("-INT", &child);
    Finished::of(child.wait_with_output().unwrap()).exits(130);
    assert!(
        start.elapsed() < Duration::from_secs(3),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(environment.files(), ["images-list"]);
}

#[test]
fn an_interrupt_after_the_result_is_no_other_result() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap();
    let helm = testkit::program("helm");
    let environment = TestEnvironment::new().with("HELM", helm.to_str().unwrap());
    let chart = Chart::new("web", "1.0.0").pod("web", &format!("{host}/a:2"));
    chart.write(&environment.path(""));
    let config = r#"{"x": {"versionSource": "helm-directory:.", "helmCharts": {"web": {}}}}"#;
    environment.write("config.json", config);
    let args = ["retrieve-tags", "--apply", "--output", "json"];
    let child = waiting(&environment, &listener, &args);
    send("-INT", &child);
    let done = Finished::of(child.wait_with_output().unwrap()).exits(130);
    let want = serde_json::json!({"x": {"full_images": [format!("{host}/a:2")]}});
    assert_eq!(done.json(), want);
    assert!(
        done.stderr.contains("error: interrupted"),
        "{}",
        done.stderr
    );
}
