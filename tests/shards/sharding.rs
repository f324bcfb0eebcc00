//! `--shard`, and Indexed Jobs of Kubernetes.

use std::collections::BTreeSet;

use super::{REPOSITORIES, SHARDS, ShardedMirror, repositories, rows};
use crate::environment::{
    CommandOutput, TestEnvironment, output_of, push_tags, registry_with, spawn_piped,
};
use crate::workflows::Yaml;

#[tokio::test(flavor = "multi_thread")]
async fn shards_partition_rows_and_repositories() {
    let mirror = ShardedMirror::new().await;
    let reports = mirror.sync_all("");
    let mut all: Vec<_> = reports.iter().flat_map(rows).collect();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 2 * REPOSITORIES, "every row is in a shard");
    let counted: usize = reports.iter().map(|report| rows(report).count()).sum();
    assert_eq!(counted, 2 * REPOSITORIES, "no row is in two shards");
    let of_each: Vec<_> = reports.iter().map(repositories).collect();
    let all: BTreeSet<_> = of_each.iter().flatten().collect();
    let sizes: Vec<_> = of_each.iter().map(BTreeSet::len).collect();
    assert_eq!(
        sizes.iter().sum::<usize>(),
        all.len(),
        "no repository is in two shards"
    );
    assert!(sizes.iter().all(|size| (2..=6).contains(size)), "{sizes:?}");
    for (number, report) in (1..).zip(&reports) {
        assert_eq!(report["summary"]["shard"], format!("{number}/{SHARDS}"));
    }

    // The order of the list does not matter.
    let list = mirror.environment.read("images-list");
    let reversed: Vec<_> = list.lines().rev().collect();
    mirror
        .environment
        .write("images-list", reversed.join("\n") + "\n");
    for (before, now) in of_each.iter().zip(mirror.sync_all("")) {
        assert_eq!(repositories(&now), *before);
        assert_eq!(now["summary"]["unchanged"], now["summary"]["rows"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn shard_mounts_blobs_that_another_shard_copied() {
    let source = registry_with(&[]).await;
    let destination = registry_with(&[]).await;
    let environment = TestEnvironment::new();
    let mut list = String::new();
    for number in 0..REPOSITORIES {
        push_tags(&source, &[&format!("image-{number}:1")]);
        let (from, to) = (source.host(), destination.host());
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
async fn pods_of_an_indexed_job_take_one_shard_each() {
    let mirror = ShardedMirror::new().await;
    let pod = |index: usize, command: &str| {
        let mut pod = mirror.environment.mirror_command();
        pod.args(command.split(' '))
            .env("JOB_COMPLETION_INDEX", index.to_string())
            .env("JOB_COMPLETIONS", SHARDS.to_string());
        CommandOutput::new(pod.output().unwrap())
    };
    let of_flags = mirror.sync_all("--dry-run");
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
    mirror.destination.clear_requests();
    let output = pod(SHARDS, "sync").exits(2);
    let message = "JOB_COMPLETION_INDEX=3 is not a shard of JOB_COMPLETIONS=3";
    assert!(output.stderr.contains(message), "{}", output.stderr);
    assert_eq!(mirror.destination.request_count(), 0);
    let flag = pod(SHARDS, "sync --shard 1/1 --output json")
        .exits(0)
        .json();
    assert_eq!(
        flag["summary"]["rows"],
        2 * REPOSITORIES,
        "--shard overrides the variables"
    );

    // One variable without the other: all rows, and a warning.
    let mut alone = mirror.environment.mirror_command_without_vv();
    alone.args(["compare"]).env("JOB_COMPLETION_INDEX", "0");
    let output = CommandOutput::new(alone.output().unwrap()).exits(0);
    assert!(
        output.stdout.starts_with("24 rows: 24 same"),
        "{}",
        output.stdout
    );
    assert!(
        output.stderr.contains("JOB_COMPLETIONS is not"),
        "{}",
        output.stderr
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn pod_log_can_be_merged_as_a_report() {
    let mirror = ShardedMirror::new().await;
    mirror.source.remove_tag("image-3", "1");
    let template = Yaml::read("deploy/kubernetes/indexed-job.yaml");
    let arguments = template.values("args").next().unwrap().trim();
    let arguments = arguments.trim_matches(['[', ']']).replace("/list/", "");
    let mut names = Vec::new();
    for index in 0..4 {
        let mut pod = mirror.environment.mirror_command();
        pod.args(arguments.split(", "))
            .env("JOB_COMPLETION_INDEX", index.to_string())
            .env("JOB_COMPLETIONS", "4");
        let output = CommandOutput::new(pod.output().unwrap());
        let name = format!("report-{index}.json");
        mirror
            .environment
            .write(&name, output.stdout + &output.stderr);
        names.push(name);
    }
    let line = format!("report merge {}", names.join(" "));
    let merged = mirror.environment.mirror(&line).exits(1);
    let summary = "24 rows: 23 copied, 0 unchanged, 1 failed;";
    assert!(merged.stdout.contains(summary), "{}", merged.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn shards_lock_their_own_rows() {
    let mirror = ShardedMirror::new().await;
    let environment = &mirror.environment;
    environment.mirror("lock").exits(0);
    let whole = environment.read("images-list.lock");
    let comment = whole.lines().filter(|line| line.starts_with('#'));
    let empty: Vec<_> = comment.collect();
    environment.write("images-list.lock", empty.join("\n") + "\n");
    // Shards on separate machines lock disjoint rows.
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
    // Shards on one machine write the same lock.
    environment.write("images-list.lock", &empty);
    let start = |number| {
        let mut command = environment.mirror_command();
        command.args(["sync", "--shard", &format!("{number}/{SHARDS}")]);
        spawn_piped(&mut command)
    };
    let running: Vec<_> = (1..=SHARDS).map(start).collect();
    for child in running {
        output_of(child).exits(0);
    }
    assert_eq!(environment.read("images-list.lock"), whole);
    environment.mirror("sync --locked --shard 1/2").exits(0);
}
