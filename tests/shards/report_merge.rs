//! `mirror report merge`

use serde_json::{Value, json};

use super::{SHARDS, ShardedMirror};
use crate::environment::TestEnvironment;

#[tokio::test(flavor = "multi_thread")]
async fn merged_report_equals_the_report_of_one_run() {
    let mirror = ShardedMirror::new().await;
    mirror.sync_all("");
    let whole = mirror
        .environment
        .mirror_without_vv("sync --report one.json")
        .exits(0);
    mirror.source.remove_tag("image-3", "1");
    for number in 1..=SHARDS {
        let line = format!("sync --shard {number}/{SHARDS} --report {number}.json");
        mirror.environment.mirror(&line);
    }
    let one = mirror
        .environment
        .mirror("sync --output json")
        .exits(1)
        .json();
    assert!(whole.stdout.starts_with("24 rows"), "{}", whole.stdout);

    let line = "report merge 1.json 2.json 3.json --output json --report merged.json";
    let merged = mirror.environment.mirror(line).exits(1).json();
    assert_eq!(merged, mirror.environment.read_json("merged.json"));
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

    let merge = |files: &str| mirror.environment.mirror(&format!("report merge {files}"));
    let text = merge("1.json 2.json 3.json").exits(1).stdout;
    assert!(text.contains("failed     "), "{text}");
    assert!(
        text.contains("24 rows: 0 copied, 23 unchanged, 1 failed;"),
        "{text}"
    );
    let text = merge("1.json 3.json").exits(1).stdout;
    assert!(text.contains("missing    shard 2/3: no report"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn merge_rejects_files_that_are_not_matching_reports() {
    let mirror = ShardedMirror::new().await;
    mirror.sync_all("");
    mirror
        .environment
        .mirror("sync --report whole.json")
        .exits(0);
    mirror.environment.write("empty.json", "");
    mirror
        .environment
        .write("text.json", "{\n  \"summary\": 7\n}\n");
    let failed = json!({"error": {"message": "no list", "hint": null}, "problems": []});
    mirror.environment.write("failed.json", failed.to_string());
    let compared = mirror.environment.mirror("compare --output json").exits(0);
    mirror.environment.write("compared.json", compared.stdout);
    let line = "report merge gone.json empty.json text.json failed.json compared.json 1.json";
    let output = mirror.environment.mirror(line).exits(2);
    for expected in [
        "gone.json:1: cannot read the file: no such file",
        "empty.json:1: the file is empty",
        "text.json:2: invalid report",
        "failed.json:1: the run did not start: no list",
        "compared.json:1: the file is a result of `mirror compare`",
        "error: 5 files without a report",
    ] {
        let stderr = output.stderr.to_lowercase();
        assert!(
            stderr.contains(&expected.to_lowercase()),
            "{expected}: {}",
            output.stderr
        );
    }
    assert!(!output.stderr.contains("1.json:"), "{}", output.stderr);
    let output = mirror
        .environment
        .mirror("report merge 1.json whole.json")
        .exits(2);
    let conflict = "1.json and whole.json have different results for ";

    assert!(output.stderr.contains(conflict), "{}", output.stderr);
    let output = mirror
        .environment
        .mirror("report merge 1.json 1.json")
        .exits(1);
    assert!(
        output.stdout.contains("shard 3/3: no report"),
        "{}",
        output.stdout
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn merge_keeps_the_exit_codes_of_interrupts_and_refused_credentials() {
    let environment = TestEnvironment::new().with_github_actions();
    let row = |name: &str, status: &str, error: Value| {
        json!({
            "source": format!("q.io/{name}"), "destination": format!("r.io/{name}"), "tag": "1",
            "status": status, "digest": null, "bytes_copied": 0, "warnings": [], "error": error,
        })
    };
    let counts = json!({
        "rows": 1, "copied": 0, "unchanged": 0, "skipped": 0, "failed": 1, "blobs_copied": 0,
        "blobs_mounted": 0, "blobs_present": 0, "bytes_copied": 0, "requests": 3,
        "duration_seconds": 1.0,
    });
    let write = |file: &str, key: &str, value: Value, row: Value| {
        let mut summary = counts.clone();
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
    let text = environment.read("summary.md");
    assert!(text.contains("### mirror report merge\n"), "{text}");
    assert!(
        text.contains("| failed | q.io/a:1 | r.io/a:1 | 401; log in |"),
        "{text}"
    );
    write("b.json", "shard", json!("2/2"), row("b", "failed", refused));
    environment.mirror("report merge a.json b.json").exits(4);
    write(
        "b.json",
        "interrupted",
        json!(true),
        row("b", "skipped", json!(null)),
    );
    let output = environment.mirror("report merge a.json b.json").exits(130);
    assert!(
        output.stdout.contains("interrupted: 2 rows"),
        "{}",
        output.stdout
    );
}
