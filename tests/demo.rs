//! `mirror demo`

use std::time::{Duration, Instant};

use crate::environment::TestEnvironment;

#[test]
fn the_whole_cycle_runs_without_anything() {
    // A proxy and credentials that would break it if they were used.
    let environment = TestEnvironment::new()
        .with("HTTP_PROXY", "http://127.0.0.1:1")
        .with("IMAGES_FILE", "gone")
        .with("DEST_REGISTRY_OVERRIDE", "127.0.0.1:1");
    let start = Instant::now();
    let done = environment.mirror("demo").exits(0);
    assert!(
        start.elapsed() < Duration::from_secs(10),
        "{:?}",
        start.elapsed()
    );
    assert!(
        done.stdout.contains("12 rows: 12 copied, 0 unchanged"),
        "{}",
        done.stdout
    );
    assert!(
        done.stdout.contains("12 rows: 0 copied, 12 unchanged; "),
        "{}",
        done.stdout
    );
    assert!(done.stdout.contains("12 rows: 12 same"), "{}", done.stdout);
    assert_eq!(environment.files(), [""; 0], "nothing is left behind");
}

#[test]
fn as_json_it_is_one_document() {
    let document = TestEnvironment::new()
        .mirror("demo --output json")
        .exits(0)
        .json();
    let steps = document["steps"].as_array().unwrap();
    let commands: Vec<_> = steps
        .iter()
        .map(|step| step["command"].as_str().unwrap())
        .collect();
    let cycle = ["lint", "sync", "sync", "compare", "sync", "compare"];
    assert_eq!(commands, cycle.map(|command| format!("mirror {command}")));
}
