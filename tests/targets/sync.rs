//! One row, several registries: what is written, reported and locked.

use std::collections::BTreeSet;

use embedded_registry::images::{Platform, sample_image};
use serde_json::Value;
use testkit::processes::{Distribution, Version};
use testkit::push::Pusher;

use super::{Mirrors, outcomes};
use crate::environment::{TestEnvironment, complete_tags, push_other_image};
use crate::lock::lock_lines;

#[tokio::test(flavor = "multi_thread")]
async fn row_reaches_three_registries_of_other_programs() {
    let source = Distribution::new().start().await;
    let [hub, prime, ecr] = [
        Distribution::new().start().await,
        Distribution::new().version(Version::V3).start().await,
        Distribution::new().start().await,
    ];
    let platforms = ["amd64", "arm64"].map(Platform::linux);
    let image = sample_image("etcd", 1, &platforms, 3).unwrap();
    Pusher::new(&source.host())
        .bundle(&image, "coreos/etcd", Some("v3"))
        .await;
    let environment = TestEnvironment::new();
    let prefixes = [
        format!("{}/r", hub.host()),
        format!("{}/r/x", prime.host()),
        ecr.host(),
    ];
    let [a, b, c] = &prefixes;
    environment.write(
        "targets.json",
        format!(
            r#"{{"targets": {{"hub": {{"prefix": "{a}"}}, "prime": {{"prefix": "{b}"}}, "ecr": {{"prefix": "{c}"}}}},
                "groups": {{"all": ["hub", "prime", "ecr"]}}}}"#
        ),
    );
    let from = format!("{}/coreos/etcd", source.host());
    environment.write("images-list", format!("{from} @all/etcd v3=v3,latest\n"));

    let document = environment.mirror("sync --output json").exits(0).json();
    let rows: BTreeSet<(&str, &str, &str)> = document["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(key)
        .collect();
    let places = [
        format!("{a}/etcd"),
        format!("{b}/etcd"),
        format!("{c}/etcd"),
    ];
    let want = ["hub", "prime", "ecr"].into_iter().zip(&places);
    let want = want.flat_map(|(target, place)| ["v3", "latest"].map(|tag| (target, &**place, tag)));
    assert_eq!(rows, want.collect());
    assert_eq!(document["summary"]["rows"], 6);
    assert_eq!(document["summary"]["copied"], 6);
    for (host, repository) in [
        (hub.host(), "r/etcd"),
        (prime.host(), "r/x/etcd"),
        (ecr.host(), "etcd"),
    ] {
        let found = complete_tags(&host, &[repository]).await;
        let digest = image.digest().to_string();
        let names = ["latest", "v3"].map(|tag| (format!("{repository}:{tag}"), digest.clone()));
        assert_eq!(found, names.into_iter().collect());
    }
    let document = environment.mirror("compare --output json").exits(0).json();
    assert_eq!(document["summary"]["same"], 6);
    assert!(outcomes(&document).contains(&("prime", "same")));
    let document = environment.mirror("sync --output json").exits(0).json();
    assert_eq!(document["summary"]["unchanged"], 6, "nothing changed");
}

fn key(row: &Value) -> (&str, &str, &str) {
    let tag = row["destination_tag"]
        .as_str()
        .unwrap_or_else(|| row["tag"].as_str().unwrap());
    (
        row["target"].as_str().unwrap(),
        row["destination"].as_str().unwrap(),
        tag,
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn exactly_the_expanded_destinations_are_written() {
    let mirrors = Mirrors::new(&["a:1", "b:1", "c:1"]).await;
    let plain = format!("c {}/plain/c 1", mirrors.prime.host());
    mirrors.write_list(&["a @all/a 1", "b @hub,ecr/deep/b 1", &plain]);
    let document = mirrors
        .environment
        .mirror("sync --output json")
        .exits(0)
        .json();
    let want = [
        vec!["org/a:1", "org/deep/b:1"],
        vec!["plain/c:1", "team/m/a:1"],
        vec!["a:1", "deep/b:1"],
    ];
    assert_eq!(mirrors.content(), want);
    let copied = ["hub", "prime", "ecr", "hub", "ecr", "-"].map(|target| (target, "copied"));
    assert_eq!(outcomes(&document), copied);
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_target_does_not_concern_the_others_of_its_row() {
    let mirrors = Mirrors::new(&["a:1"]).await;
    mirrors.write_targets(|targets| {
        // Nothing listens there.
        targets["targets"]["prime"]["prefix"] = "127.0.0.1:1/m".into();
    });
    mirrors.write_list(&["a @all/a 1"]);
    let document = mirrors
        .environment
        .mirror("sync --output json")
        .exits(1)
        .json();
    let want = [("hub", "copied"), ("prime", "failed"), ("ecr", "copied")];
    assert_eq!(outcomes(&document), want);
    assert_eq!(mirrors.content(), [vec!["org/a:1"], vec![], vec!["a:1"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn lock_has_one_line_for_a_row_and_outlives_a_moved_target() {
    let mirrors = Mirrors::new(&["a:1"]).await;
    mirrors.write_list(&["a @all/a 1"]);
    let environment = &mirrors.environment;
    environment.mirror("lock").exits(0);
    let lines = lock_lines(environment);
    let start = format!("{}/a @all/a 1 sha256:", mirrors.source.host());
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].starts_with(&start), "{lines:?}");
    let lock = environment.read("images-list.lock");
    environment.mirror("sync --locked").exits(0);

    mirrors.write_targets(|targets| {
        targets["targets"]["hub"]["prefix"] = format!("{}/other", mirrors.hub.host()).into();
    });
    push_other_image(&mirrors.source, "a", "1");
    let document = environment.mirror("sync --output json").exits(0).json();
    let want = [
        ("hub", "copied"),
        ("prime", "unchanged"),
        ("ecr", "unchanged"),
    ];
    assert_eq!(
        outcomes(&document),
        want,
        "the approved image, to the new place"
    );
    assert!(document["rows"][1]["moved"].is_object(), "{document:#}");
    assert_eq!(mirrors.content()[0], ["org/a:1", "other/a:1"]);
    assert_eq!(environment.read("images-list.lock"), lock);
    environment.mirror("lock --check").exits(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_and_locks_without_targets_are_unchanged() {
    let mirrors = Mirrors::new(&["a:1", "b:1"]).await;
    let (to, environment) = (mirrors.hub.host(), &mirrors.environment);
    let list = mirrors.write_list(&[&format!("a {to}/m/a 1"), &format!("b\t{to}/m/b   1")]);
    environment.mirror("lock").exits(0);
    // A lock of version 1, as older releases have written it.
    let lock: String = lock_lines(environment)
        .iter()
        .filter(|line| !line.starts_with('+'))
        .map(|line| format!("{line}\n"))
        .collect();
    environment.write("images-list.lock", &lock);
    for targets in ["", "remove"] {
        if !targets.is_empty() {
            std::fs::remove_file(environment.path("targets.json")).unwrap();
        }
        let document = environment
            .mirror("sync --locked --output json")
            .exits(0)
            .json();
        assert!(document["rows"][0].get("target").is_none(), "{document:#}");
        environment.mirror("compare").exits(0);
        environment.mirror("lint").exits(0);
        assert_eq!(environment.read("images-list"), list);
    }
    assert_eq!(mirrors.content()[0], ["m/a:1", "m/b:1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_destinations_of_a_row_are_in_one_shard() {
    let mirrors = Mirrors::new(&["a:1", "b:1", "c:1", "d:1"]).await;
    let shared = format!("d {}/org/a 1=2", mirrors.hub.host());
    mirrors.write_list(&["a @all/a 1", "b @all/b 1", "c @hub/c 1", &shared]);
    let mut rows = 0;
    for shard in ["1/2", "2/2"] {
        let line = format!("sync --dry-run --output json --shard {shard}");
        let document = mirrors.environment.mirror(&line).exits(0).json();
        let names: Vec<&str> = document["rows"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["source"].as_str().unwrap().rsplit('/').next().unwrap())
            .collect();
        let count = |name: &str| names.iter().filter(|found| **found == name).count();
        assert!([0, 3].contains(&count("a")), "{names:?}");
        assert!([0, 3].contains(&count("b")), "{names:?}");
        assert_eq!(
            count("a") / 3,
            count("d"),
            "they share a repository: {names:?}"
        );
        rows += names.len();
    }
    assert_eq!(rows, 8);
}
