//! `--shard`, and Indexed Jobs.

use std::collections::BTreeSet;
use std::process::Stdio;

use embedded_registry::Registry;

use super::{Machines, REPOSITORIES, SHARDS, repositories, rows};
use crate::add_tag::push;
use crate::environment::{Finished, TestEnvironment};
use crate::workflows::Yaml;

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
    let mut alone = machines.environment.quiet();
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
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    let running: Vec<_> = (1..=SHARDS).map(start).collect();
    for child in running {
        Finished::of(child.wait_with_output().unwrap()).exits(0);
    }
    assert_eq!(environment.read("images-list.lock"), whole);
    environment.mirror("sync --locked --shard 1/2").exits(0);
}
