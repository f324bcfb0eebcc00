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
    let cycle = [
        "lint",
        "images app.yaml --check",
        "sync",
        "sync",
        "compare",
        "sync",
        "compare",
        "usage cluster.json",
        "prune --no-history --foreign --plan plan.json",
        "prune --no-history --foreign --apply plan.json",
    ];
    assert_eq!(commands, cycle.map(|command| format!("mirror {command}")));
    let result = |command: &str| {
        let step = steps.iter().find(|step| step["command"] == command);
        &step.unwrap()["result"]
    };
    let images = result("mirror images app.yaml --check");
    assert_eq!(images["images"].as_array().unwrap().len(), 3);
    assert_eq!(images["missing"], 0);
    let usage = &result("mirror usage cluster.json")["summary"];
    assert_eq!(
        (&usage["mirrored"], &usage["not_from_mirror"]),
        (&2.into(), &1.into())
    );
    let applied = result("mirror prune --no-history --foreign --apply plan.json");
    let deletions = applied["deletions"].as_array().unwrap();
    assert!(deletions.iter().any(|deletion| deletion["tag"] == "v0.9.0"));
    assert!(
        deletions
            .iter()
            .all(|deletion| deletion["status"] == "deleted")
    );
}
