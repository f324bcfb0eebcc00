//! Help, usage, exit codes, and what stands on which stream.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Stdio;

use embedded_registry::Registry;
use embedded_registry::images::{Platform, sample_image};
use serde_json::json;

use crate::environment::{Finished, TestEnvironment};

const COMMANDS: [&str; 10] = [
    "sync", "copy", "compare", "report", "lint", "fmt", "tags", "inspect", "login", "demo",
];

#[test]
fn without_arguments_help_is_a_usage_error() {
    let done = TestEnvironment::new().mirror("").exits(2);
    assert_eq!(done.stdout, "");
    assert!(done.stderr.contains("Usage: mirror"), "{}", done.stderr);
}

#[test]
fn help_is_a_result_and_shows_examples_and_exit_codes() {
    let environment = TestEnvironment::new();
    let done = environment.mirror("--help").exits(0);
    assert!(done.stdout.contains("130  interrupted"), "{}", done.stdout);
    assert_eq!(done.stderr, "");
    for command in COMMANDS {
        let done = environment.mirror(&format!("{command} --help")).exits(0);
        let example = format!("\n  mirror {command}");
        assert!(done.stdout.contains(&example), "{command}: {}", done.stdout);
    }
}

#[test]
fn wrong_usage_says_nothing_on_stdout() {
    let lines = [
        "frobnicate",
        "sync --bogus",
        "sync --sparse",
        "sync --platform linux//",
        "sync --jobs 0",
        "sync IMAGES=x",
        "sync -q -v",
        "sync --dest-registry nohost",
        "sync --match a[",
        "sync --shard 0/4",
        "compare --shard 5/4",
        "report split",
        "report merge",
        "lint DEST_ORG_OVERRIDE=x",
        "copy busybox",
        "copy busybox localhost:5000/UPPER",
        "tags busybox:1",
        "inspect https://r.io/a",
        concat!("login r.io --password ", testkit::canary!("")),
    ];
    let environment = TestEnvironment::new();
    environment.write("images-list", "a b 1\n");
    for line in lines {
        let done = environment.mirror(line).exits(2);
        assert_eq!(done.stdout, "", "{line}");
        assert!(done.stderr.contains("error: "), "{line}: {}", done.stderr);
    }
}

#[test]
fn json_is_one_document_whatever_happens() {
    let lines = [
        "sync --bogus --output json",
        "--output=json nonsense",
        "lint --output json",
        "sync --output json --images-list gone,also-gone",
        "sync --output json --images-list odd",
        "sync --output json --registries-conf gone --images-list fine",
        "login --output json r.io",
        "lint --output json --images-list fine --config gone",
        "sync --output json --images-list fine --authfile gone",
        "compare --output json --images-list fine --cert-dir gone",
    ];
    let environment = TestEnvironment::new();
    environment.write("odd", "one two\nthree\n");
    environment.write("fine", "a b 1\n");
    for line in lines {
        let document = environment.mirror(line).exits(2).json();
        assert!(
            document["error"]["message"].is_string(),
            "{line}: {document}"
        );
        assert!(document["problems"].is_array(), "{line}: {document}");
    }
    let document = environment.mirror(lines[4]).json();
    let places: Vec<_> = document["problems"].as_array().unwrap().iter().collect();
    assert_eq!(places.len(), 2, "{document}");
    assert_eq!(
        (&places[1]["file"], &places[1]["line"]),
        (&json!("odd"), &json!(2))
    );
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let environment = TestEnvironment::new();
    // More than a pipe holds.
    environment.write("images-list", "wrong\n".repeat(20_000));
    let mut command = environment.command();
    let child = command
        .arg("lint")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = child.unwrap();
    drop(child.stdout.take());
    let done = Finished::of(child.wait_with_output().unwrap()).exits(1);
    assert_eq!(done.stderr, "");
}

#[test]
fn a_log_for_machines_is_json_to_its_last_line() {
    let environment = TestEnvironment::new();
    environment.write("images-list", "b r.io/b 1\na r.io/a 1\n");
    environment.write("wrong", "wrong\n");
    for line in [
        "sync --match none",
        "sync --images-list wrong",
        "lint --images-list gone",
    ] {
        let done = environment.mirror(&format!("{line} --log-format json"));
        assert!(!done.stderr.is_empty(), "{line}");
        for entry in done.stderr.lines() {
            let entry: serde_json::Value = serde_json::from_str(entry).unwrap();
            assert!(entry["message"].is_string(), "{line}: {entry}");
        }
    }
}

#[test]
fn an_empty_selection_is_done_and_said() {
    let environment = TestEnvironment::new();
    environment.write("images-list", "a b 1\n");
    for command in ["sync", "compare"] {
        let line = format!("{command} --match none --output json");
        let done = environment.mirror(&line).exits(0);
        assert_eq!(done.json()["rows"], json!([]));
        assert!(
            done.stderr.contains("no row is selected"),
            "{}",
            done.stderr
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_decide_the_exit_code() {
    let registry = Registry::new().start().await.unwrap();
    let image = sample_image("a", 1, &[Platform::linux("amd64")], 1).unwrap();
    image.push(&registry, "there", Some("1"));
    let (host, refusing) = (registry.host(), refuse_everybody());
    let there = format!("{host}/there {host}/copied/there 1\n");
    let gone = format!("{host}/gone {host}/copied/gone 1\n");
    let refused = format!("{refusing}/a {host}/copied/refused 1\n");
    let table = [
        (vec![&there], 0),
        (vec![&there, &gone], 1),
        (vec![&there, &gone, &refused], 1),
        (vec![&gone], 3),
        (vec![&gone, &refused], 3),
        (vec![&refused], 4),
        (vec![&there, &refused], 4),
    ];
    let environment = TestEnvironment::new();
    for (rows, code) in table {
        let list: String = rows.into_iter().map(String::as_str).collect();
        environment.write("images-list", &list);
        let done = environment
            .mirror("sync --no-referrers --report report.json")
            .exits(code);
        let report = environment.read("report.json");
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        let failed = report["summary"]["failed"].as_u64().unwrap();
        assert_eq!(failed > 0, code != 0, "{list}{}", done.stdout);
    }
    let done = environment.mirror("sync --no-referrers");
    let login = format!("mirror login {refusing}");
    assert!(done.stdout.contains(&login), "{}", done.stdout);
}

/// A registry that answers 401 to everything, for as long as the test lasts.
fn refuse_everybody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            // The request fits: what is asked here are HEADs and GETs.
            let mut request = [0; 4096];
            if connection.read(&mut request).is_ok() {
                let answer =
                    "HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
                connection.write_all(answer.as_bytes()).ok();
            }
        }
    });
    host
}
