//! A cluster of 5,000 pods and 300 nodes of three architectures.

use serde_json::json;

use crate::environment::{MAX_MEMORY_KIB, TestEnvironment, measure_memory};

/// Writes the cluster with indentation, as kubectl does: 5,000 pods of 1,000 deployments that use 400 images.
fn write_cluster(environment: &TestEnvironment) -> u64 {
    use std::io::Write;
    let file = std::fs::File::create(environment.path("prod.json")).unwrap();
    let mut file = std::io::BufWriter::new(file);
    writeln!(file, "{{\n    \"apiVersion\": \"v1\",\n    \"items\": [").unwrap();
    // Fields that every pod has and that no image stands in.
    let filler: Vec<_> = (0..60)
        .map(|at| json!({"type": format!("Condition{at}"), "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}))
        .collect();
    for at in 0..5000 {
        let deployment = format!("app-{}", at / 5);
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {
                "namespace": format!("team-{}", at % 50), "name": format!("{deployment}-7f9-{at}"),
                "labels": {"pod-template-hash": "7f9"},
                "ownerReferences": [{"kind": "ReplicaSet", "name": format!("{deployment}-7f9"), "controller": true}],
            },
            "spec": {
                "nodeName": format!("node-{}", at % 300),
                "containers": [
                    {"name": "app", "image": format!("r.io/m/app-{}:v1", at % 400), "args": ["--config=/etc/app.yaml"],
                     "env": [{"name": "URL", "value": format!("https://team-{}.example.com/", at % 50)}]},
                    {"name": "proxy", "image": "r.io/m/proxy:v1"},
                ],
            },
            "status": {
                "conditions": filler,
                "containerStatuses": [
                    {"name": "app", "imageID": format!("r.io/m/app-{}@sha256:{:064x}", at % 400, at % 400)},
                    {"name": "proxy", "imageID": format!("r.io/m/proxy@sha256:{:064x}", 7)},
                ],
            },
        });
        serde_json::to_writer_pretty(&mut file, &pod).unwrap();
        writeln!(file, ",").unwrap();
    }
    for at in 0..300 {
        let images: Vec<_> = (0..50)
            .map(|image| json!({"names": [format!("r.io/m/app-{}@sha256:{:064x}", (at + image) % 400, (at + image) % 400), format!("r.io/m/app-{}:v1", (at + image) % 400)], "sizeBytes": 1}))
            .collect();
        let architecture = ["amd64", "arm64", "s390x"][at % 3];
        let node = json!({
            "apiVersion": "v1", "kind": "Node", "metadata": {"name": format!("node-{at}")},
            "status": {"nodeInfo": {"architecture": architecture, "operatingSystem": "linux"}, "images": images},
        });
        serde_json::to_writer_pretty(&mut file, &node).unwrap();
        writeln!(file, "{}", if at == 299 { "" } else { "," }).unwrap();
    }
    writeln!(file, "    ],\n    \"kind\": \"List\"\n}}").unwrap();
    file.flush().unwrap();
    std::fs::metadata(environment.path("prod.json"))
        .unwrap()
        .len()
}

#[test]
fn memory_does_not_grow_with_the_number_of_pods() {
    let environment = TestEnvironment::new();
    let rows: String = (0..2000)
        .map(|at| format!("q.io/app-{at} r.io/m/app-{at} v1\n"))
        .collect();
    environment.write("images-list", rows);
    let bytes = write_cluster(&environment);
    let run = measure_memory(&environment, "usage prod.json --output json");
    let document = run.output.exits(0).json();
    println!("{bytes} bytes: {} KiB, {:?}", run.peak_kib, run.duration);
    assert!(bytes > 40_000_000, "{bytes}");
    assert!(run.peak_kib < MAX_MEMORY_KIB, "{} KiB", run.peak_kib);
    let sums = &document["summary"];
    assert_eq!(sums["images"], 401);
    assert_eq!(
        (&sums["mirrored"], &sums["not_listed"]),
        (&json!(400), &json!(1))
    );
    assert_eq!(sums["unused"], 1600);
    let cluster = &document["clusters"][0];
    assert_eq!(
        (&cluster["objects"], &cluster["pods"]),
        (&json!(5300), &json!(5000))
    );
    assert_eq!(
        cluster["nodes"],
        json!({"linux/amd64": 100, "linux/arm64": 100, "linux/s390x": 100})
    );
    let proxy = super::image_of(&document, "r.io/m/proxy:v1");
    assert_eq!(proxy["used_by"].as_array().unwrap().len(), 5000);
    let platforms = json!(["linux/amd64", "linux/arm64", "linux/s390x"]);
    assert_eq!(proxy["platforms"], platforms);
}
