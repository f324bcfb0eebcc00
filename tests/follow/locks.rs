//! Followed tags in the lock.

use serde_json::json;

use super::FollowedMirror;
use crate::environment::{push_other_image, push_tags};
use crate::lock::{digest_of, lock_lines};

#[tokio::test(flavor = "multi_thread")]
async fn moved_tag_is_reported_and_not_followed() {
    let mirror = FollowedMirror::new(&["app:1", "app:2"], json!({})).await;
    let environment = &mirror.environment;
    environment.mirror("sync").exits(0);
    let lock = environment.read("images-list.lock");
    let image = format!("{}/m/app:1", mirror.destination.host());
    let approved = digest_of(environment, &image);
    push_other_image(&mirror.source, "app", "1");
    let source = format!("{}/app:1", mirror.source.host());
    let now = digest_of(environment, &source);
    let output = environment.mirror("sync").exits(0);
    assert!(output.stdout.contains(", 1 moved;"), "{}", output.stdout);
    let hint = format!("`mirror lock --update --match {source}`");
    assert!(output.stdout.contains(&hint), "{}", output.stdout);
    assert_eq!(digest_of(environment, &image), approved);
    assert_eq!(environment.read("images-list.lock"), lock);
    let document = environment
        .mirror("sync --locked --output json")
        .exits(1)
        .json();
    assert_eq!(
        FollowedMirror::statuses(&document),
        ["1 failed", "2 unchanged"]
    );
    let document = environment.mirror("compare --output json").exits(0).json();
    assert_eq!(document["rows"][0]["moved"]["now"], now);
    // The command in the hint works, and keeps the entry.
    environment.mirror("lock --check").exits(0);
    environment
        .mirror(&format!("lock --update --match {source}"))
        .exits(0);
    let lines = lock_lines(environment);
    assert!(lines[0].contains(&now), "{lines:?}");
    assert!(lines[0].ends_with(" source=follow:app"), "{lines:?}");
    environment.mirror("sync --locked").exits(0);
    assert_eq!(digest_of(environment, &image), now);
}

#[tokio::test(flavor = "multi_thread")]
async fn mutable_tags_are_followed_wherever_they_point() {
    let mirror = FollowedMirror::new(&["app:1"], json!({})).await;
    let environment = &mirror.environment;
    environment.mirror("sync").exits(0);
    push_other_image(&mirror.source, "app", "1");
    environment.mirror("sync --mutable */app:1").exits(0);
    let now = digest_of(environment, &format!("{}/app:1", mirror.source.host()));
    let image = format!("{}/m/app:1", mirror.destination.host());
    assert_eq!(digest_of(environment, &image), now);
    let lines = lock_lines(environment);
    assert!(lines[0].contains(&now), "{lines:?}");
    assert!(lines[0].ends_with(" source=follow:app"), "{lines:?}");
    environment.mirror("sync --mutable */none").exits(1);
}

#[tokio::test(flavor = "multi_thread")]
async fn locked_fails_only_the_followed_rows_without_a_line() {
    let mirror = FollowedMirror::new(&["app:1"], json!({})).await;
    let environment = &mirror.environment;
    environment.mirror("sync").exits(0);
    push_tags(&mirror.source, &["app:2"]);
    let document = environment
        .mirror("sync --locked --output json")
        .exits(1)
        .json();
    assert_eq!(
        FollowedMirror::statuses(&document),
        ["1 unchanged", "2 failed"]
    );
    let error = &document["rows"][1]["error"];
    let message = format!("{}/app:2: the tag is not locked", mirror.source.host());
    assert_eq!(error["message"], message);
    assert_eq!(document["summary"]["failed"], 1);
    assert_eq!(mirror.tags("app"), ["1"]);
    environment
        .mirror("sync --locked --mutable */app:2")
        .exits(0);
    assert_eq!(mirror.tags("app"), ["1", "2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn lock_is_created_unless_no_lock_is_set() {
    let mirror = FollowedMirror::new(&["app:1", "lib:1"], json!({})).await;
    let environment = &mirror.environment;
    environment.mirror("sync --no-lock").exits(0);
    assert_eq!(environment.file_names(), ["config.json", "images-list"]);
    environment.write("images-list", mirror.row("lib", "1") + "\n");
    let output = environment.mirror("sync").exits(0);
    let warning =
        "images-list.lock: created for followed entries; it locks the rows of images-list too";
    assert!(output.stderr.contains(warning), "{}", output.stderr);
    let lines = lock_lines(environment);
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].starts_with(&mirror.row("lib", "1")), "{lines:?}");
    assert!(!lines[0].contains("source="), "{lines:?}");
    environment.mirror("lock --check").exits(0);
    // With a lock, --no-lock changes nothing.
    push_other_image(&mirror.source, "app", "1");
    let output = environment.mirror("sync --no-lock").exits(0);
    assert!(output.stdout.contains(", 1 moved;"), "{}", output.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn lock_that_cannot_be_written_is_an_error_before_the_first_copy() {
    let mirror = FollowedMirror::new(&["app:1"], json!({})).await;
    let environment = &mirror.environment;
    std::fs::create_dir(environment.path("lists")).unwrap();
    environment.write("lists/images-list", "");
    // Neither a file nor the temporary file beside it can be created through this link.
    std::os::unix::fs::symlink(
        "/nonexistent/lock",
        environment.path("lists/images-list.lock"),
    )
    .unwrap();
    let output = environment
        .mirror("sync --images-list lists/images-list")
        .exits(2);
    assert!(
        output
            .stderr
            .contains("cannot write lists/images-list.lock"),
        "{}",
        output.stderr
    );
    assert!(
        output.stderr.contains("run with --no-lock"),
        "{}",
        output.stderr
    );
    assert!(mirror.tags("app").is_empty());
    environment
        .mirror("sync --images-list lists/images-list --no-lock")
        .exits(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn check_new_protects_the_lines_of_followed_tags() {
    let mirror = FollowedMirror::new(&["app:1", "app:2"], json!({"exclude": "2"})).await;
    let environment = &mirror.environment;
    environment.mirror("sync").exits(0);
    environment.commit_first(&["config.json", "images-list", "images-list.lock"]);
    let check = "check-new --base HEAD";
    environment.mirror(check).exits(0);
    let lock = environment.read("images-list.lock");
    push_other_image(&mirror.source, "app", "2");
    let digest = |tag: &str| digest_of(environment, &format!("{}/app:{tag}", mirror.source.host()));
    let (approved, other) = (digest("1"), digest("2"));
    // The branch changes one line, removes one and adds one.
    environment.write("images-list.lock", lock.replace(&approved, &other));
    let output = environment.mirror(check).exits(1);
    let changed = format!(
        "the approval of `{}` was changed from {approved}",
        mirror.row("app", "1")
    );
    assert!(output.stdout.contains(&changed), "{}", output.stdout);
    environment
        .mirror("check-new --base HEAD --allow-approvals")
        .exits(0);
    let header: String = lock.split_inclusive('\n').take(2).collect();
    environment.write("images-list.lock", header);
    let output = environment.mirror(check).exits(1);
    assert!(
        output.stdout.contains("was removed; restore the line"),
        "{}",
        output.stdout
    );
    let line = |digest: &str| format!("{} {digest} - source=follow:app\n", mirror.row("app", "2"));
    environment.write("images-list.lock", format!("{lock}{}", line(&other)));
    environment.mirror(check).exits(0);
    environment.write("images-list.lock", format!("{lock}{}", line(&approved)));
    let output = environment.mirror(check).exits(1);
    assert!(
        output.stdout.contains("but the source has"),
        "{}",
        output.stdout
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn check_new_finds_new_followed_destinations_that_do_not_exist() {
    let mirror = FollowedMirror::new(&["app:1", "lib:1"], json!({})).await;
    let environment = &mirror.environment;
    environment.mirror("sync --no-lock").exits(0);
    environment.commit_first(&["config.json", "images-list"]);
    // The destination of the base is not checked again, and one that exists is no finding.
    let exists = mirror.entry("app", json!({"latest": true}));
    let mut new = mirror.entry("lib", json!({}));
    let app = mirror.entry("app", json!({}));
    mirror.configure(&json!({"app": app, "again": exists, "new": new}));
    let output = environment.mirror("check-new --base HEAD").exits(1);
    let missing = format!(
        "entry `new`: the destination repository {}/m/lib does not exist",
        mirror.destination.host()
    );
    assert!(output.stdout.contains(&missing), "{}", output.stdout);
    assert_eq!(
        output.stdout.matches("does not exist").count(),
        1,
        "{}",
        output.stdout
    );
    new["images"][0]["destination"] = json!(format!("{}/m/app", mirror.destination.host()));
    mirror.configure(&json!({"app": app, "new": new}));
    environment.mirror("check-new --base HEAD").exits(0);
}
