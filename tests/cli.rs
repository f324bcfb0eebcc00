//! Help, usage errors, exit codes, and the split between stdout and stderr.

use serde_json::json;
use testkit::proxy::{Action, FaultProxy, Rule};

use crate::environment::{TestEnvironment, output_of, registry_with, spawn_piped};

const COMMANDS: [&str; 10] = [
    "sync", "copy", "compare", "report", "lint", "fmt", "tags", "inspect", "login", "demo",
];

#[test]
fn mirror_without_arguments_prints_help_as_a_usage_error() {
    let output = TestEnvironment::new().mirror("").exits(2);
    assert_eq!(output.stdout, "");
    assert!(output.stderr.contains("Usage: mirror"), "{}", output.stderr);
}

#[test]
fn help_on_stdout_has_examples_and_exit_codes() {
    let environment = TestEnvironment::new();
    let output = environment.mirror("--help").exits(0);
    assert!(
        output.stdout.contains("130  interrupted"),
        "{}",
        output.stdout
    );
    assert_eq!(output.stderr, "");
    for command in COMMANDS {
        let output = environment.mirror(&format!("{command} --help")).exits(0);
        let example = format!("\n  mirror {command}");
        assert!(
            output.stdout.contains(&example),
            "{command}: {}",
            output.stdout
        );
    }
}

#[test]
fn usage_errors_leave_stdout_empty() {
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
        let output = environment.mirror(line).exits(2);
        assert_eq!(output.stdout, "", "{line}");
        assert!(
            output.stderr.contains("error: "),
            "{line}: {}",
            output.stderr
        );
    }
}

#[test]
fn usage_errors_are_one_json_document_with_output_json() {
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
    let problems = document["problems"].as_array().unwrap();
    assert_eq!(problems.len(), 2, "{document}");
    assert_eq!(
        (&problems[1]["file"], &problems[1]["line"]),
        (&json!("odd"), &json!(2))
    );
}

#[test]
fn lint_ignores_a_closed_stdout() {
    let environment = TestEnvironment::new();
    // More than a pipe buffers.
    environment.write("images-list", "wrong\n".repeat(20_000));
    let mut child = spawn_piped(environment.mirror_command().arg("lint"));
    drop(child.stdout.take());
    let output = output_of(child).exits(1);
    assert_eq!(output.stderr, "");
}

#[test]
fn json_log_has_one_object_per_line() {
    let environment = TestEnvironment::new();
    environment.write("images-list", "b r.io/b 1\na r.io/a 1\n");
    environment.write("wrong", "wrong\n");
    for line in [
        "sync --match none",
        "sync --images-list wrong",
        "lint --images-list gone",
    ] {
        let output = environment.mirror(&format!("{line} --log-format json"));
        assert!(!output.stderr.is_empty(), "{line}");
        for entry in output.stderr.lines() {
            let entry: serde_json::Value = serde_json::from_str(entry).unwrap();
            assert!(entry["message"].is_string(), "{line}: {entry}");
        }
    }
}

#[test]
fn empty_selection_exits_0_with_a_warning() {
    let environment = TestEnvironment::new();
    environment.write("images-list", "a b 1\n");
    for command in ["sync", "compare"] {
        let line = format!("{command} --match none --output json");
        let output = environment.mirror(&line).exits(0);
        assert_eq!(output.json()["rows"], json!([]));
        assert!(
            output.stderr.contains("no rows are selected"),
            "{}",
            output.stderr
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_code_depends_on_the_failures_of_all_rows() {
    let registry = registry_with(&["present:1"]).await;
    let proxy = FaultProxy::start(registry.address()).await;
    proxy.add(Rule::new("", "").does(Action::answer(401)));
    let (host, refusing) = (registry.host(), proxy.host());
    let present = format!("{host}/present {host}/copied/present 1\n");
    let missing = format!("{host}/missing {host}/copied/missing 1\n");
    let refused = format!("{refusing}/a {host}/copied/refused 1\n");
    let table = [
        (vec![&present], 0),
        (vec![&present, &missing], 1),
        (vec![&present, &missing, &refused], 1),
        (vec![&missing], 3),
        (vec![&missing, &refused], 3),
        (vec![&refused], 4),
        (vec![&present, &refused], 4),
    ];
    let environment = TestEnvironment::new();
    for (rows, code) in table {
        let list: String = rows.into_iter().map(String::as_str).collect();
        environment.write("images-list", &list);
        let output = environment
            .mirror("sync --no-referrers --report report.json")
            .exits(code);
        let report = environment.read_json("report.json");
        let failed = report["summary"]["failed"].as_u64().unwrap();
        assert_eq!(failed > 0, code != 0, "{list}{}", output.stdout);
    }
    let output = environment.mirror("sync --no-referrers");
    let login = format!("mirror login {refusing}");
    assert!(output.stdout.contains(&login), "{}", output.stdout);
}
