//! The benchmark with real registries: its report matches the runs.
#![expect(clippy::unwrap_used, reason = "functions of the tests fail like tests")]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Writes a program that prints a version and does nothing.
fn idle_program(directory: &Path) -> PathBuf {
    let path = directory.join("idle");
    fs::write(&path, "#!/bin/sh\necho idle 1.0\n").unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    path
}

/// Runs one measurement and returns its cell.
fn measure(directory: &Path, options: &str) -> Value {
    let crane = testkit::program("crane");
    let path = std::env::var("PATH").unwrap();
    let path = format!("{}:{path}", crane.parent().unwrap().display());
    let output = Command::new(env!("CARGO_BIN_EXE_side-by-side"))
        .args("--quick --work multi --round-trip 0 --rounds 1".split(' '))
        .args(options.split(' '))
        .arg("--mirror")
        .arg(idle_program(directory))
        .arg("--into")
        .arg(directory)
        .env("PATH", path)
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    let table = fs::read_to_string(directory.join("results.md")).unwrap();
    assert!(
        String::from_utf8_lossy(&output.stdout).contains(&table),
        "{table}"
    );
    assert!(
        fs::read_to_string(directory.join("results.svg"))
            .unwrap()
            .contains("floor")
    );
    let results = fs::read_to_string(directory.join("results.json")).unwrap();
    let results: Value = serde_json::from_str(&results).unwrap();
    assert_eq!(results["cells"].as_array().unwrap().len(), 1, "{results}");
    results["cells"][0].clone()
}

fn requests(tool: &Value) -> u64 {
    let kinds = tool["runs"][0]["kinds"].as_object().unwrap();
    kinds.values().map(|count| count.as_u64().unwrap()).sum()
}

#[test]
fn tool_that_copies_nothing_is_reported_as_failed() {
    let directory = tempfile::tempdir().unwrap();
    let cell = measure(directory.path(), "--state cold --tool mirror,crane");
    let tools = cell["tools"].as_array().unwrap();
    let [floor, idle, crane] = &tools[..] else {
        panic!("{tools:?}")
    };
    assert_eq!(
        requests(floor),
        cell["floor_requests"],
        "the planned requests"
    );
    assert_eq!(floor["runs"][0]["bytes"], cell["floor_bytes"]);
    assert_eq!(floor["runs"][0]["blobs_fetched_again"], 0);

    assert_eq!(idle["version"], "idle 1.0");
    let failed = idle["failed"].as_str().unwrap();
    assert!(failed.contains("not found"), "{failed}");

    assert_eq!(crane["failed"], Value::Null);
    assert!(requests(crane) > requests(floor));
    let run = &crane["runs"][0];
    for what in [
        "wall_seconds",
        "cpu_seconds",
        "registries_cpu_seconds",
        "peak_memory_bytes",
    ] {
        assert!(run[what].as_f64().unwrap() > 0.0, "{what}: {run}");
    }
}

#[test]
fn connections_over_tls_are_counted() {
    let directory = tempfile::tempdir().unwrap();
    let cell = measure(directory.path(), "--tls --state cold --tool mirror,crane");
    assert_eq!(cell["tls"], true);
    let tools = cell["tools"].as_array().unwrap();
    let [floor, _, crane] = &tools[..] else {
        panic!("{tools:?}")
    };
    assert_eq!(
        requests(floor),
        cell["floor_requests"],
        "redirects are not requests of the registry"
    );
    assert_eq!(crane["failed"], Value::Null);
    for tool in [floor, crane] {
        let run = &tool["runs"][0];
        let [opened, full] =
            ["connections", "full_handshakes"].map(|count| run[count].as_u64().unwrap());
        assert!(full > 0 && full <= opened, "{run}");
    }
    assert_eq!(floor["runs"][0]["bytes"], cell["floor_bytes"]);
}

#[test]
fn complete_destination_needs_heads_only() {
    let directory = tempfile::tempdir().unwrap();
    let cell = measure(directory.path(), "--state warm --tool mirror");
    let tools = cell["tools"].as_array().unwrap();
    let rows = cell["rows"].as_u64().unwrap();
    assert_eq!(
        (requests(&tools[0]), &cell["floor_bytes"]),
        (2 * rows, &Value::from(0))
    );
    // Nothing to copy, so a tool that does nothing succeeds.
    assert_eq!(
        (requests(&tools[1]), &tools[1]["failed"]),
        (0, &Value::Null)
    );
}
