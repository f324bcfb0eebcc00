//! The benchmark itself, with real registries: is what it reports what happened?
#![expect(clippy::unwrap_used, reason = "functions of the tests fail like tests")]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// A program that says its version and is done with everything at once.
fn lazy_program(folder: &Path) -> PathBuf {
    let path = folder.join("lazy");
    fs::write(&path, "#!/bin/sh\necho lazy 1.0\n").unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    path
}

/// Measures once; gives the cell.
fn measured(folder: &Path, options: &str) -> Value {
    let crane = testkit::program("crane");
    let path = std::env::var("PATH").unwrap();
    let path = format!("{}:{path}", crane.parent().unwrap().display());
    let output = Command::new(env!("CARGO_BIN_EXE_side-by-side"))
        .args("--quick --work multi --round-trip 0 --rounds 1".split(' '))
        .args(options.split(' '))
        .arg("--mirror")
        .arg(lazy_program(folder))
        .arg("--into")
        .arg(folder)
        .env("PATH", path)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let table = fs::read_to_string(folder.join("results.md")).unwrap();
    assert!(
        String::from_utf8_lossy(&output.stdout).contains(&table),
        "{table}"
    );
    assert!(
        fs::read_to_string(folder.join("results.svg"))
            .unwrap()
            .contains("floor")
    );
    let results = fs::read_to_string(folder.join("results.json")).unwrap();
    let results: Value = serde_json::from_str(&results).unwrap();
    assert_eq!(results["cells"].as_array().unwrap().len(), 1, "{results}");
    results["cells"][0].clone()
}

fn requests(tool: &Value) -> u64 {
    let kinds = tool["runs"][0]["kinds"].as_object().unwrap();
    kinds.values().map(|count| count.as_u64().unwrap()).sum()
}

#[test]
fn what_leaves_something_out_is_not_fast_but_failed() {
    let folder = tempfile::tempdir().unwrap();
    let cell = measured(folder.path(), "--state cold --tool mirror,crane");
    let tools = cell["tools"].as_array().unwrap();
    let [floor, lazy, crane] = &tools[..] else {
        panic!("{tools:?}")
    };
    assert_eq!(requests(floor), cell["floor_requests"], "the formula");
    assert_eq!(floor["runs"][0]["bytes"], cell["floor_bytes"]);
    assert_eq!(floor["runs"][0]["blobs_fetched_again"], 0);

    assert_eq!(lazy["version"], "lazy 1.0");
    let failed = lazy["failed"].as_str().unwrap();
    assert!(failed.contains("is not there"), "{failed}");

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
fn a_destination_that_is_complete_needs_no_more_than_heads() {
    let folder = tempfile::tempdir().unwrap();
    let cell = measured(folder.path(), "--state warm --tool mirror");
    let tools = cell["tools"].as_array().unwrap();
    let rows = cell["rows"].as_u64().unwrap();
    assert_eq!(
        (requests(&tools[0]), &cell["floor_bytes"]),
        (2 * rows, &Value::from(0))
    );
    // To do nothing is right here.
    assert_eq!(
        (requests(&tools[1]), &tools[1]["failed"]),
        (0, &Value::Null)
    );
}
