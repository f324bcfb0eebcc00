//! `report merge`.

use serde_json::{Value, json};

use super::{Machines, SHARDS};
use crate::environment::TestEnvironment;

#[tokio::test(flavor = "multi_thread")]
async fn merged_reports_tell_what_one_run_would() {
    let machines = Machines::new().await;
    machines.sync("");
    let whole = machines
        .environment
        .result_of("sync --report one.json")
        .exits(0);
    machines.source.remove_tag("image-3", "1");
    for number in 1..=SHARDS {
        let line = format!("sync --shard {number}/{SHARDS} --report {number}.json");
        machines.environment.mirror(&line);
    }
    let one = machines
        .environment
        .mirror("sync --output json")
        .exits(1)
        .json();
    assert!(whole.stdout.starts_with("24 rows"), "{}", whole.stdout);

    let line = "report merge 1.json 2.json 3.json --output json --report merged.json";
    let merged = machines.environment.mirror(line).exits(1).json();
    let text = machines.environment.read("merged.json");
    assert_eq!(merged, serde_json::from_str::<Value>(&text).unwrap());
    let keys = [
        "rows",
        "copied",
        "unchanged",
        "skipped",
        "failed",
        "bytes_copied",
    ];
    for key in keys {
        assert_eq!(merged["summary"][key], one["summary"][key], "{key}");
    }
    let sorted = |report: &Value| {
        let mut rows = report["rows"].as_array().unwrap().clone();
        rows.sort_by_key(ToString::to_string);
        rows
    };
    assert_eq!(sorted(&merged), sorted(&one));

    let merge = |files: &str| {
        machines
            .environment
            .mirror(&format!("report merge {files}"))
    };
    let told = merge("1.json 2.json 3.json").exits(1).stdout;
    assert!(told.contains("failed     "), "{told}");
    assert!(
        told.contains("24 rows: 0 copied, 23 unchanged, 1 failed;"),
        "{told}"
    );
    let told = merge("1.json 3.json").exits(1).stdout;
    assert!(
        told.contains("missing    shard 2/3 has no report"),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_that_cannot_be() {
    let machines = Machines::new().await;
    machines.sync("");
    machines
        .environment
        .mirror("sync --report whole.json")
        .exits(0);
    machines.environment.write("empty.json", "");
    machines
        .environment
        .write("text.json", "{\n  \"summary\": 7\n}\n");
    let failed = json!({"error": {"message": "no list", "hint": null}, "problems": []});
    machines
        .environment
        .write("failed.json", failed.to_string());
    let compared = machines
        .environment
        .mirror("compare --output json")
        .exits(0);
    machines.environment.write("compared.json", compared.stdout);
    let line = "report merge gone.json empty.json text.json failed.json compared.json 1.json";
    let done = machines.environment.mirror(line).exits(2);
    for told in [
        "gone.json:1: cannot be read: no such file",
        "empty.json:1: the file is empty",
        "text.json:2: this is no report",
        "failed.json:1: that run did not begin: no list",
        "compared.json:1: this is what `mirror compare` found",
        "error: 5 files are not the reports of runs",
    ] {
        let stderr = done.stderr.to_lowercase();
        assert!(
            stderr.contains(&told.to_lowercase()),
            "{told}: {}",
            done.stderr
        );
    }
    assert!(!done.stderr.contains("1.json:"), "{}", done.stderr);
    let done = machines
        .environment
        .mirror("report merge 1.json whole.json")
        .exits(2);
    let told = "is in 1.json and in whole.json, and not with the same result";
    assert!(done.stderr.contains(told), "{}", done.stderr);
    let done = machines
        .environment
        .mirror("report merge 1.json 1.json")
        .exits(1);
    assert!(
        done.stdout.contains("shard 3/3 has no report"),
        "{}",
        done.stdout
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupt_and_refused_credentials_survive_the_merge() {
    let environment = TestEnvironment::new().with("GITHUB_ACTIONS", "true");
    let summary = environment.path("summary.md");
    let environment = environment.with("GITHUB_STEP_SUMMARY", summary.to_str().unwrap());
    let row = |name: &str, status: &str, error: Value| {
        json!({
            "source": format!("q.io/{name}"), "destination": format!("r.io/{name}"), "tag": "1",
            "status": status, "digest": null, "bytes_copied": 0, "warnings": [], "error": error,
        })
    };
    let sums = json!({
        "rows": 1, "copied": 0, "unchanged": 0, "skipped": 0, "failed": 1, "blobs_copied": 0,
        "blobs_mounted": 0, "blobs_present": 0, "bytes_copied": 0, "requests": 3,
        "duration_seconds": 1.0,
    });
    let write = |file: &str, key: &str, value: Value, row: Value| {
        let mut summary = sums.clone();
        summary[key] = value;
        let report = json!({"summary": summary, "rows": [row]});
        environment.write(file, report.to_string());
    };
    let refused = json!({"message": "401", "hint": "log in", "refused": true});
    write(
        "a.json",
        "shard",
        json!("1/2"),
        row("a", "failed", refused.clone()),
    );
    write(
        "b.json",
        "shard",
        json!("2/2"),
        row("b", "unchanged", json!(null)),
    );
    environment.mirror("report merge a.json b.json").exits(4);
    let told = environment.read("summary.md");
    assert!(told.contains("### mirror report merge\n"), "{told}");
    assert!(
        told.contains("| failed | q.io/a:1 | r.io/a:1 | 401; log in |"),
        "{told}"
    );
    write("b.json", "shard", json!("2/2"), row("b", "failed", refused));
    environment.mirror("report merge a.json b.json").exits(4);
    write(
        "b.json",
        "interrupted",
        json!(true),
        row("b", "skipped", json!(null)),
    );
    let done = environment.mirror("report merge a.json b.json").exits(130);
    assert!(
        done.stdout.contains("interrupted: 2 rows"),
        "{}",
        done.stdout
    );
}
