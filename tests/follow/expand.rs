//! `mirror expand`.

use serde_json::json;

use super::FollowedMirror;
use crate::lock::lock_lines;

#[tokio::test(flavor = "multi_thread")]
async fn expanded_rows_can_move_to_the_list() {
    let mirror = FollowedMirror::new(
        &["app:1.9", "app:1.10", "app:edge"],
        json!({"versionFilter": "^1"}),
    )
    .await;
    let environment = &mirror.environment;
    environment.mirror("sync").exits(0);
    let expanded = environment.mirror("expand").exits(0).stdout;
    let rows = ["1.9", "1.10"].map(|tag| mirror.row("app", tag) + "\n");
    assert_eq!(expanded, rows.concat());
    // Without the entry, the same rows in the list are the same run.
    environment.write("images-list", &expanded);
    mirror.configure(&json!({}));
    environment.mirror("lint").exits(0);
    let document = environment
        .mirror("sync --locked --output json")
        .exits(0)
        .json();
    assert_eq!(
        FollowedMirror::statuses(&document),
        ["1.9 unchanged", "1.10 unchanged"]
    );
    environment.mirror("lock --check").exits(0);
    environment.mirror("lock").exits(0);
    let lines = lock_lines(environment);
    assert_eq!(lines.len(), 2, "{lines:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn expand_prints_each_row_of_a_run_once() {
    let mirror = FollowedMirror::new(&["app:1", "app:2", "lib:1"], json!({})).await;
    let environment = &mirror.environment;
    let list = format!(
        "{}\n{}=1,latest\n",
        mirror.row("app", "1"),
        mirror.row("lib", "1")
    );
    environment.write("images-list", &list);
    let want = |rows: &[String]| rows.join("\n") + "\n";
    let (one, two) = (mirror.row("app", "1"), mirror.row("app", "2"));
    let lib = mirror.row("lib", "1=1,latest");
    let output = environment.mirror("expand").exits(0);
    assert_eq!(output.stdout, want(&[one, two.clone(), lib.clone()]));
    let output = environment.mirror("expand --followed").exits(0);
    assert_eq!(
        output.stdout,
        want(std::slice::from_ref(&two)),
        "the list has the other one"
    );
    let output = environment.mirror("expand --match */lib").exits(0);
    assert_eq!(output.stdout, want(&[lib]));
    let output = environment
        .mirror("expand --exclude */lib --dest-registry r.io --dest-org x")
        .exits(0);
    let moved = |tag: &str| format!("{}/app r.io/x/app {tag}", mirror.source.host());
    assert_eq!(output.stdout, want(&[moved("1"), moved("2")]));
    let document = environment
        .mirror("expand --followed --output json")
        .exits(0)
        .json();
    let row = &document["rows"][0];
    assert_eq!(row["tag"], "2");
    assert_eq!(row["entry"], "app");
    assert_eq!(row["line"], json!(two));
    assert_eq!(document["entries"][0]["rows"], 2);
    assert!(mirror.tags("app").is_empty());
    assert_eq!(environment.file_names(), ["config.json", "images-list"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn retrieve_tags_skips_followed_entries() {
    let mirror = FollowedMirror::new(&["app:1", "lib:2"], json!({})).await;
    let environment = &mirror.environment;
    let mut lib = mirror.entry("lib", json!({}));
    lib.as_object_mut().unwrap().remove("follow");
    mirror.configure(&json!({"app": mirror.entry("app", json!({})), "lib": lib}));
    environment.write("images-list", mirror.row("lib", "1") + "\n");
    let output = environment.mirror("retrieve-tags").exits(0);
    let document = output.json();
    assert!(document.get("app").is_none(), "{document}");
    assert_eq!(document["lib"]["tags"], json!(["2"]));
    assert!(
        output
            .stderr
            .contains("app: skipped: `mirror sync` follows it"),
        "{}",
        output.stderr
    );
}
