//! Which rows a run takes, and where they go.

use embedded_registry::images::{Platform, sample_image};
use embedded_registry::{Registry, RunningRegistry};
use serde_json::Value;

use crate::environment::TestEnvironment;

async fn source_of(names: &[&str]) -> RunningRegistry {
    let registry = Registry::new().start().await.unwrap();
    for name in names {
        let image = sample_image(name, 1, &[Platform::linux("amd64")], 1).unwrap();
        image.push(&registry, name, Some("1"));
    }
    registry
}

fn column<'a>(document: &'a Value, key: &str) -> Vec<&'a str> {
    let rows = document["rows"].as_array().unwrap();
    rows.iter().map(|row| row[key].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn only_rows_that_are_new_since_a_revision() {
    let (source, target) = (source_of(&["a", "b", "c"]).await, source_of(&[]).await);
    let (from, to) = (source.host(), target.host());
    let environment = TestEnvironment::new();
    environment.run("git", &["init", "-q"]);
    environment.run("git", &["config", "user.email", "e@x"]);
    environment.run("git", &["config", "user.name", "n"]);
    environment.write("images-list", format!("{from}/b {to}/b 1\n"));
    environment.run("git", &["add", "images-list"]);
    environment.run("git", &["commit", "-qm", "first"]);
    // Spelled in another way, moved, and with a neighbour before it: still old.
    environment.write(
        "images-list",
        format!("{from}/a {to}/a 1\n\n{from}/b   {to}/b 1\n"),
    );
    environment.write("later", format!("{from}/c {to}/c 1\n"));
    let line = "sync --changed-since HEAD --images-list images-list,later --output json";
    let document = environment.mirror(line).exits(0).json();
    let want = [format!("{from}/a"), format!("{from}/c")];
    assert_eq!(column(&document, "source"), want);
    assert_eq!(
        target.repositories(),
        ["a", "c"],
        "what is old was not copied"
    );
    let done = environment.mirror("sync --changed-since no-such").exits(2);
    assert!(done.stderr.contains("no-such"), "{}", done.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn overrides_by_flag_then_operand_then_environment() {
    let (source, target) = (source_of(&["a"]).await, source_of(&[]).await);
    let (from, to) = (source.host(), target.host());
    let environment = TestEnvironment::new()
        .with("DEST_REGISTRY_OVERRIDE", &to)
        .with("DEST_ORG_OVERRIDE", "environment");
    // Nobody listens there.
    environment.write("images-list", format!("{from}/a 127.0.0.1:1/org/a 1\n"));
    let table = [
        ("", "environment/a"),
        ("DEST_ORG_OVERRIDE=operand", "operand/a"),
        ("--dest-org flag DEST_ORG_OVERRIDE=operand", "flag/a"),
    ];
    for (options, want) in table {
        let line = format!("sync {options} --output json");
        let document = environment.mirror(&line).exits(0).json();
        assert_eq!(column(&document, "destination"), [format!("{to}/{want}")]);
        assert_eq!(target.tags(want), ["1"]);
        let line = format!("compare {options} --output json");
        let document = environment.mirror(&line).exits(0).json();
        assert_eq!(column(&document, "destination"), [format!("{to}/{want}")]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn globs_select_and_a_dry_run_writes_nothing() {
    let (source, target) = (source_of(&["a/x", "b/x"]).await, source_of(&[]).await);
    let (from, to) = (source.host(), target.host());
    let environment = TestEnvironment::new();
    environment.write(
        "images-list",
        format!("{from}/a/x {to}/x 1\n{from}/b/x {to}/y 1\n"),
    );
    for (glob, want) in [("*/b/*", "b/x"), ("*/y:1", "b/x"), ("*:1 --match none", "")] {
        let line = format!("sync --dry-run --output json --match {glob}");
        let document = environment.mirror(&line).exits(0).json();
        assert_eq!(document["summary"]["dry_run"], true);
        let sources = column(&document, "source");
        if want.is_empty() {
            assert_eq!(sources.len(), 2);
        } else {
            assert_eq!(sources, [format!("{from}/{want}")]);
        }
    }
    assert_eq!(target.repositories(), [""; 0]);
}

#[test]
fn a_report_that_cannot_be_written_is_known_at_once() {
    let environment = TestEnvironment::new();
    environment.write("images-list", "127.0.0.1:1/a 127.0.0.1:1/b 1\n");
    let done = environment
        .mirror("sync --report gone/report.json")
        .exits(2);
    assert!(
        done.stderr.contains("cannot write gone/report.json"),
        "{}",
        done.stderr
    );
    assert_eq!(done.stdout, "", "no row was tried");
}
