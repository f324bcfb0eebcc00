//! Options that select rows, and rows that several places give.

use serde_json::json;

use super::FollowedMirror;
use crate::environment::{push_other_image, push_tags};

#[tokio::test(flavor = "multi_thread")]
async fn options_select_followed_rows_like_others() {
    let mirror = FollowedMirror::new(&["app:1", "app:2", "lib:1"], json!({})).await;
    let environment = &mirror.environment;
    environment.write("images-list", mirror.row("lib", "1") + "\n");
    let run = |options: &str| {
        let document = environment.mirror(&format!("sync --dry-run --output json {options}"));
        FollowedMirror::statuses(&document.exits(0).json())
    };
    assert_eq!(run("--match */app"), ["1 copied", "2 copied"]);
    assert_eq!(run("--exclude */app:1"), ["1 copied", "2 copied"]);
    assert_eq!(run("--exclude */app"), ["1 copied"]);
    let shards = [run("--shard 1/2"), run("--shard 2/2")];
    let rows = |shard: &Vec<String>| shard.len();
    assert_eq!(shards.iter().map(rows).sum::<usize>(), 3, "{shards:?}");
    let output = environment.mirror("sync --match */none").exits(1);
    let message = "--match `*/none` matches no row of images-list and of followed entries; nothing was copied";
    assert!(output.stderr.contains(message), "{}", output.stderr);
    let line = format!("sync --max-pulls {}=1 --output json", mirror.source.host());
    let document = environment.mirror(&line).exits(1).json();
    assert_eq!(document["summary"]["pulls"][0]["used"], 1);
    assert_eq!(document["summary"]["skipped"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn followed_row_that_equals_a_row_of_the_list_is_done_once() {
    let mirror = FollowedMirror::new(&["app:1", "app:2"], json!({})).await;
    let environment = &mirror.environment;
    mirror.configure(&json!({
        "app": mirror.entry("app", json!({})),
        "again": mirror.entry("app", json!({"latest": true})),
    }));
    environment.write("images-list", mirror.row("app", "1=1,stable") + "\n");
    let document = environment.mirror("sync --output json").exits(0).json();
    assert_eq!(
        FollowedMirror::statuses(&document),
        ["1 copied", "1 copied", "2 copied"]
    );
    let entries: Vec<_> = (0..3)
        .map(|at| document["rows"][at]["entry"].as_str())
        .collect();
    assert_eq!(entries, [None, None, Some("app")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn destination_of_two_sources_fails_the_followed_row() {
    let mirror = FollowedMirror::new(&["app:1"], json!({})).await;
    let environment = &mirror.environment;
    push_tags(&mirror.source, &["other:1"]);
    push_other_image(&mirror.source, "other", "1");
    let mut entry = mirror.entry("other", json!({}));
    entry["images"][0]["destination"] = json!(format!("{}/m/app", mirror.destination.host()));
    mirror.configure(&json!({"other": entry}));
    environment.write("images-list", mirror.row("app", "1") + "\n");
    let output = environment.mirror("sync --output json").exits(1);
    let document = output.json();
    assert_eq!(
        FollowedMirror::statuses(&document),
        ["1 copied", "1 failed"]
    );
    assert_eq!(document["rows"][1]["entry"], "other");
    let (source, destination) = (mirror.source.host(), mirror.destination.host());
    let warning = format!(
        "config.json:2: `{destination}/m/app:1` has two sources, `{source}/other:1` here and \
         `{source}/app:1` on images-list:1"
    );
    assert!(output.stderr.contains(&warning), "{}", output.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_since_leaves_followed_entries_out() {
    let mirror = FollowedMirror::new(&["app:1", "lib:1"], json!({})).await;
    let environment = &mirror.environment;
    environment.commit_first(&["config.json", "images-list"]);
    environment.write("images-list", mirror.row("lib", "1") + "\n");
    let document = environment
        .mirror("sync --changed-since HEAD --output json")
        .exits(0)
        .json();
    assert_eq!(FollowedMirror::statuses(&document), ["1 copied"]);
    assert!(mirror.tags("app").is_empty());
    let document = environment
        .mirror("sync --no-follow --output json")
        .exits(0)
        .json();
    assert_eq!(FollowedMirror::statuses(&document), ["1 unchanged"]);
    assert!(document.get("entries").is_none());
}
