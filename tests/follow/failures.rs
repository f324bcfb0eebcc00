//! Entries and rows that fail.

use serde_json::json;

use super::FollowedMirror;
use crate::environment::TestEnvironment;

#[tokio::test(flavor = "multi_thread")]
async fn entry_that_fails_is_reported_and_the_others_go_on() {
    let mirror = FollowedMirror::new(&["app:1", "app:2", "lib:1"], json!({})).await;
    let environment = &mirror.environment;
    let mut down = mirror.entry("lib", json!({}));
    down["images"][0]["source"] = json!("127.0.0.1:1/lib");
    let config = json!({
        "many": mirror.entry("app", json!({"maximum": 1})),
        "down": down,
        "gone": mirror.entry("gone", json!({})),
        "lib": mirror.entry("lib", json!({})),
    });
    mirror.configure(&config);
    let document = environment.mirror("sync --output json").exits(1).json();
    assert_eq!(FollowedMirror::statuses(&document), ["1 copied"]);
    assert_eq!(document["rows"][0]["entry"], "lib");
    let entries = document["entries"].as_array().unwrap();
    let message = |at: usize| entries[at]["error"]["message"].as_str().unwrap().to_owned();
    let maximum = "the filters keep 2 tags, such as 1, above the maximum of 1";
    assert_eq!(message(0), maximum);
    let hint = "narrow the filters, or raise `maximum`";
    assert_eq!(entries[0]["error"]["hint"], hint);
    assert!(message(1).contains("127.0.0.1:1"), "{}", message(1));
    assert!(
        message(2).contains("does not exist, or requires credentials"),
        "{}",
        message(2)
    );
    assert!(entries[3]["error"].is_null());
    assert!(
        mirror.tags("app").is_empty(),
        "nothing of a failed entry is copied"
    );

    let output = environment.mirror("sync").exits(1);
    let failed = format!("failed     entry many\n           {maximum}\n           hint: {hint}");
    assert!(output.stdout.contains(&failed), "{}", output.stdout);
    assert!(
        output
            .stdout
            .contains("1 row: 0 copied, 1 unchanged, 3 entries failed"),
        "{}",
        output.stdout
    );
    let output = environment.mirror("compare").exits(1);
    assert!(output.stdout.contains(&failed), "{}", output.stdout);
    let output = environment.mirror("expand").exits(1);
    assert_eq!(output.stdout, mirror.row("lib", "1") + "\n");
    assert!(
        output.stderr.contains("many: the filters keep 2 tags"),
        "{}",
        output.stderr
    );
    // A pattern may match rows of a failed entry, so it is not reported as an error.
    environment.mirror("sync --match */none").exits(1);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_failed_entries_are_exit_1() {
    let mirror = FollowedMirror::new(&["app:1", "app:2"], json!({"maximum": 1})).await;
    let output = mirror.environment.mirror("sync").exits(1);
    assert!(
        output
            .stdout
            .contains("0 rows: 0 copied, 0 unchanged, 1 entry failed"),
        "{}",
        output.stdout
    );
    let github = TestEnvironment::new().with_github_actions();
    for name in ["config.json", "images-list"] {
        github.write(name, mirror.environment.read(name));
    }
    let output = github.mirror("sync").exits(1);
    let annotation = "::error file=config.json,line=2::app: the filters keep 2 tags";
    assert!(output.stderr.contains(annotation), "{}", output.stderr);
    let summary = github.read("summary.md");
    assert!(
        summary.contains("**The followed entry app failed:** the filters"),
        "{summary}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn configuration_with_problems_stops_the_run_only_if_it_may_follow() {
    let mirror = FollowedMirror::new(&["app:1"], json!({})).await;
    let environment = &mirror.environment;
    environment.write("images-list", mirror.row("app", "1") + "\n");
    mirror.configure(&json!({"app": mirror.entry("app", json!({"latests": 2}))}));
    mirror.source.clear_requests();
    let output = environment.mirror("sync").exits(2);
    assert!(
        output.stderr.contains("unknown key `latests`"),
        "{}",
        output.stderr
    );
    assert_eq!(mirror.source.request_count(), 0);
    // The file of another program, such as Docker's.
    environment.write("config.json", r#"{"auths": {}}"#);
    let output = environment.mirror("sync").exits(0);
    let warning = "config.json is ignored, it has 1 problems: check it with `mirror lint`";
    assert!(output.stderr.contains(warning), "{}", output.stderr);
    environment.mirror("sync --config config.json").exits(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn file_system_may_be_read_only() {
    let mut mirror = FollowedMirror::new(&["app:1"], json!({})).await;
    let environment = std::mem::replace(&mut mirror.environment, TestEnvironment::new());
    mirror.environment = environment.with_env("TMPDIR", "/nonexistent");
    mirror.environment.mirror("sync --no-lock").exits(0);
    assert_eq!(mirror.tags("app"), ["1"]);
    // git needs a temporary home.
    let git = mirror.entry(
        "app",
        json!({"versionSource": "git-tags:file:///nonexistent"}),
    );
    mirror.configure(&json!({"app": git}));
    let output = mirror.environment.mirror("sync --no-lock").exits(1);
    assert!(
        output
            .stderr
            .contains("cannot create a temporary directory"),
        "{}",
        output.stderr
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn lint_finds_names_that_can_be_in_no_row() {
    let mirror = FollowedMirror::new(&[], json!({})).await;
    mirror.environment.mirror("lint").exits(0);
    let mut entry = mirror.entry("app", json!({}));
    entry["images"] = json!(["q.io/app"]);
    mirror.configure(&json!({"app": entry}));
    let output = mirror.environment.mirror("lint").exits(1);
    let want = "a followed entry names the destination of each image";
    assert!(output.stdout.contains(want), "{}", output.stdout);
}
