//! Tags that an entry no longer follows.

use serde_json::json;

use crate::follow::FollowedMirror;

/// Follows the tags that a pattern matches, and commits that.
fn follow(mirror: &FollowedMirror, pattern: &str) {
    let entry = mirror.entry("app", json!({"versionFilter": pattern}));
    mirror.configure(&json!({"app": entry}));
    mirror.environment.git(&["add", "config.json"]);
    mirror.environment.git(&["commit", "-qm", "filter"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn entry_that_follows_nothing_does_not_clear_the_mirror() {
    let mirror = FollowedMirror::new(&["app:1", "app:2"], json!({})).await;
    let environment = &mirror.environment;
    environment.mirror("sync").exits(0);
    environment.commit_first(&["images-list", "images-list.lock", "config.json"]);
    let planned = |line: &str| {
        let document = environment.mirror(line).exits(0).json();
        document["deletions"].as_array().unwrap().len()
    };
    assert_eq!(planned("prune --output json"), 0);
    follow(&mirror, "^2$");
    assert!(planned("prune --output json") > 0);
    follow(&mirror, "^none$");
    let refused = environment.mirror("prune").exits(1);
    let message = "the entry app follows no tag, but images-list.lock has tags of the entry";
    assert!(refused.stderr.contains(message), "{}", refused.stderr);
}
