//! One list on several machines: `--shard`, Indexed Jobs and `report merge`.

use std::collections::BTreeSet;

use embedded_registry::images::{Platform, sample_image};
use embedded_registry::{Registry, RunningRegistry};
use serde_json::{Value, json};

use crate::add_tag::push;
use crate::environment::{Finished, TestEnvironment};
use crate::workflows::Yaml;

/// Destination repositories of two rows each.
const REPOSITORIES: usize = 12;
const SHARDS: usize = 3;

struct Machines {
    source: RunningRegistry,
    target: RunningRegistry,
    environment: TestEnvironment,
}

impl Machines {
    async fn new() -> Self {
        let source = Registry::new().start().await.unwrap();
        let target = Registry::new().access_log(10_000).start().await.unwrap();
        let environment = TestEnvironment::new();
        let mut list = String::new();
        for number in 0..REPOSITORIES {
            for tag in ["1", "2"] {
                let name = format!("image-{number}");
                let seed = number as u64 * 10 + tag.parse::<u64>().unwrap();
                let image = sample_image(&name, seed, &[Platform::linux("amd64")], 2).unwrap();
                image.push(&source, &name, Some(tag));
                list += &format!(
                    "{}/{name} {}/m/{name} {tag}\n",
                    source.host(),
                    target.host()
                );
            }
        }
        environment.write("images-list", list);
        Self {
            source,
            target,
            environment,
        }
    }

    /// All shards, one after the other; the report of each goes to `N.json`.
    fn sync(&self, options: &str) -> Vec<Value> {
        let shards = 1..=SHARDS;
        let run = |number| {
            let line = format!("sync --shard {number}/{SHARDS} --report {number}.json {options}");
            self.environment.mirror(&line).exits(0);
            serde_json::from_str(&self.environment.read(&format!("{number}.json"))).unwrap()
        };
        shards.map(run).collect()
    }
}

fn rows(report: &Value) -> impl Iterator<Item = (String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let rows = report["rows"].as_array().unwrap();
    rows.iter()
        .map(move |row| (text(&row["destination"]), text(&row["tag"])))
}

fn repositories(report: &Value) -> BTreeSet<String> {
    rows(report).map(|(repository, _)| repository).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_is_done_by_one_shard_and_no_repository_by_two() {
    let machines = Machines::new().await;
    let reports = machines.sync("");
    let mut all: Vec<_> = reports.iter().flat_map(rows).collect();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 2 * REPOSITORIES, "every row is done by one");
    let counted: usize = reports.iter().map(|report| rows(report).count()).sum();
    assert_eq!(counted, 2 * REPOSITORIES, "and by no other");
    let of_each: Vec<_> = reports.iter().map(repositories).collect();
    let together: BTreeSet<_> = of_each.iter().flatten().collect();
    let sizes: Vec<_> = of_each.iter().map(BTreeSet::len).collect();
    assert_eq!(sizes.iter().sum::<usize>(), together.len(), "none by two");
    assert!(sizes.iter().all(|size| (2..=6).contains(size)), "{sizes:?}");
    for (number, report) in (1..).zip(&reports) {
        assert_eq!(report["summary"]["shard"], format!("{number}/{SHARDS}"));
    }

    // The same rows again, of a list in another order: nothing is left to do.
    let list = machines.environment.read("images-list");
    let reversed: Vec<_> = list.lines().rev().collect();
    machines
        .environment
        .write("images-list", reversed.join("\n") + "\n");
    for (before, now) in of_each.iter().zip(machines.sync("")) {
        assert_eq!(repositories(&now), *before);
        assert_eq!(now["summary"]["unchanged"], now["summary"]["rows"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_that_another_shard_brought_is_mounted() {
    let source = Registry::new().start().await.unwrap();
    let target = Registry::new().start().await.unwrap();
    let environment = TestEnvironment::new();
    let mut list = String::new();
    for number in 0..REPOSITORIES {
        push(&source, &[&format!("image-{number}:1")]);
        let (from, to) = (source.host(), target.host());
        list += &format!("{from}/image-{number} {to}/image-{number} 1\n");
    }
    environment.write("images-list", list);
    let shard = |number| {
        let line = format!("sync --no-referrers --shard {number}/2 --output json");
        environment.mirror(&line).exits(0).json()["summary"].clone()
    };
    let (first, second) = (shard(1), shard(2));
    assert!(first["blobs_copied"].as_u64().unwrap() > 0, "{first}");
    assert_eq!(second["bytes_copied"], 0, "{second}");
    assert!(second["blobs_mounted"].as_u64().unwrap() > 0, "{second}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_of_an_indexed_job_share_the_list() {
    let machines = Machines::new().await;
    let pod = |index: usize, command: &str| {
        let mut pod = machines.environment.command();
        pod.args(command.split(' '))
            .env("JOB_COMPLETION_INDEX", index.to_string())
            .env("JOB_COMPLETIONS", SHARDS.to_string());
        Finished::of(pod.output().unwrap())
    };
    let of_flags = machines.sync("--dry-run");
    for (index, of_flag) in of_flags.iter().enumerate() {
        let of_pod = pod(index, "sync --output json").exits(0).json();
        assert_eq!(repositories(&of_pod), repositories(of_flag));
        let compared = pod(index, "compare --output json").exits(0).json();
        assert_eq!(repositories(&compared), repositories(of_flag));
        assert_eq!(
            compared["summary"]["shard"],
            format!("{}/{SHARDS}", index + 1)
        );
    }
    machines.target.clear_requests();
    let done = pod(SHARDS, "sync").exits(2);
    let told = "JOB_COMPLETION_INDEX=3 of JOB_COMPLETIONS=3 is no shard";
    assert!(done.stderr.contains(told), "{}", done.stderr);
    assert_eq!(machines.target.request_count(), 0);
    let flag = pod(SHARDS, "sync --shard 1/1 --output json")
        .exits(0)
        .json();
    assert_eq!(flag["summary"]["rows"], 2 * REPOSITORIES, "the flag counts");

    // Half of what is needed: all rows, and a word about it.
    let mut alone = machines.environment.command();
    alone.args(["compare"]).env("JOB_COMPLETION_INDEX", "0");
    let done = Finished::of(alone.output().unwrap()).exits(0);
    assert!(
        done.stdout.starts_with("24 rows: 24 same"),
        "{}",
        done.stdout
    );
    assert!(
        done.stderr.contains("JOB_COMPLETIONS is not"),
        "{}",
        done.stderr
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_of_a_pod_is_its_report() {
    let machines = Machines::new().await;
    machines.source.remove_tag("image-3", "1");
    let template = Yaml::read("deploy/kubernetes/indexed-job.yaml");
    let arguments = template.values("args").next().unwrap().trim();
    let arguments = arguments.trim_matches(['[', ']']).replace("/list/", "");
    let mut names = Vec::new();
    for index in 0..4 {
        let mut pod = machines.environment.command();
        pod.args(arguments.split(", "))
            .env("JOB_COMPLETION_INDEX", index.to_string())
            .env("JOB_COMPLETIONS", "4");
        let done = Finished::of(pod.output().unwrap());
        let name = format!("report-{index}.json");
        machines
            .environment
            .write(&name, done.stdout + &done.stderr);
        names.push(name);
    }
    let line = format!("report merge {}", names.join(" "));
    let merged = machines.environment.mirror(&line).exits(1);
    let told = "24 rows: 23 copied, 0 unchanged, 1 failed;";
    assert!(merged.stdout.contains(told), "{}", merged.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn shards_note_their_parts_in_the_lock() {
    let machines = Machines::new().await;
    let environment = &machines.environment;
    environment.mirror("lock").exits(0);
    let whole = environment.read("images-list.lock");
    let comment = whole.lines().filter(|line| line.starts_with('#'));
    let empty: Vec<_> = comment.collect();
    environment.write("images-list.lock", empty.join("\n") + "\n");
    // Each on a machine of its own: what they note has no line in common.
    let empty = environment.read("images-list.lock");
    let lines = |text: &str| -> BTreeSet<String> {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines.map(str::to_owned).collect()
    };
    let mut noted = BTreeSet::new();
    for number in 1..=SHARDS {
        environment.write("images-list.lock", &empty);
        environment
            .mirror(&format!("sync --shard {number}/{SHARDS}"))
            .exits(0);
        let part = lines(&environment.read("images-list.lock"));
        assert!(noted.is_disjoint(&part), "{part:?}");
        noted.extend(part);
    }
    assert_eq!(noted, lines(&whole));
    // Side by side over one file.
    environment.write("images-list.lock", &empty);
    let start = |number| {
        let mut command = environment.command();
        command.args(["sync", "--shard", &format!("{number}/{SHARDS}")]);
        command.spawn().unwrap()
    };
    let running: Vec<_> = (1..=SHARDS).map(start).collect();
    for mut child in running {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(environment.read("images-list.lock"), whole);
    environment.mirror("sync --locked --shard 1/2").exits(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn merged_reports_tell_what_one_run_would() {
    let machines = Machines::new().await;
    machines.sync("");
    let whole = machines
        .environment
        .mirror("sync --report one.json")
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
