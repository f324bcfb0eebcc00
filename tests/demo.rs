//! `mirror demo`

use crate::environment::TestEnvironment;

#[test]
fn demo_runs_the_whole_cycle_without_network_or_credentials() {
    // Using any of them would fail the demo.
    let environment = TestEnvironment::new()
        .with_env("HTTP_PROXY", "http://127.0.0.1:1")
        .with_env("IMAGES_FILE", "gone")
        .with_env("DEST_REGISTRY_OVERRIDE", "127.0.0.1:1");
    let output = environment.mirror("demo").exits(0);
    assert!(
        output.stdout.contains("12 rows: 12 copied, 0 unchanged"),
        "{}",
        output.stdout
    );
    assert!(
        output.stdout.contains("12 rows: 0 copied, 12 unchanged; "),
        "{}",
        output.stdout
    );
    assert!(
        output.stdout.contains("12 rows: 12 same"),
        "{}",
        output.stdout
    );
    assert_eq!(
        environment.file_names(),
        [""; 0],
        "the demo removes its files"
    );
}

#[test]
fn demo_prints_one_json_document_with_its_steps() {
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
