//! Pull requests: opened, updated, and not repeated.

use serde_json::json;
use testkit::github::{PullState, Release};

use super::{Checkout, REPOSITORY};

#[tokio::test(flavor = "multi_thread")]
async fn new_tag_is_proposed_once() {
    let checkout = Checkout::new(&["etcd:v3.5.1"], &["v3.5.0", "v3.5.1", "v3.5.2"]).await;
    let r = checkout.registry.host();
    let output = checkout.open_prs().exits(0);
    let images = [format!("{r}/etcd")];
    assert_eq!(
        output.json(),
        json!({ "etcd": { "images": images, "tags": ["v3.5.1", "v3.5.2"] } })
    );
    let pulls = checkout.pulls();
    assert_eq!(pulls.len(), 1);
    let pull = &pulls[0];
    assert_eq!(
        pull.title,
        format!("Added tag(s) v3.5.1 for image(s) {r}/etcd")
    );
    assert_eq!(pull.labels, ["status/auto-created"]);
    assert!(pull.head.starts_with("mirror/etcd-"), "{}", pull.head);
    assert!(output.stderr.contains("etcd: opened "), "{}", output.stderr);
    // v3.5.2 is released, but the registry lacks it.
    let left_out = format!("{r}/etcd:v3.5.2 is announced but not yet at its source; left out");
    assert!(output.stderr.contains(&left_out), "{}", output.stderr);
    assert!(pull.body.contains("v3.5.2"), "{}", pull.body);
    let list = &checkout.github.files(REPOSITORY, &pull.head)["images-list"];
    let want = format!("# ours\n{r}/etcd {r}/m/etcd v3.5.0\n{r}/etcd {r}/m/etcd v3.5.1\n");
    assert_eq!(*list, want);
    let local = checkout.environment.read("images-list");
    assert_eq!(
        local,
        format!("# ours\n{r}/etcd {r}/m/etcd v3.5.0\n"),
        "the local list stays"
    );

    let writes = checkout.github.writes();
    let output = checkout.open_prs().exits(0);
    assert!(
        output.stderr.contains("etcd: proposed already: "),
        "{}",
        output.stderr
    );
    checkout.github.close(REPOSITORY, 1);
    let output = checkout.open_prs().exits(0);
    assert!(
        output
            .stderr
            .contains("etcd: proposed before, and closed: "),
        "{}",
        output.stderr
    );
    assert_eq!(
        checkout.github.writes(),
        writes,
        "a closed proposal is not repeated"
    );
    assert_eq!(checkout.pulls().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn newer_tags_update_the_open_pull_request() {
    let checkout = Checkout::new(&["etcd:v3.5.1"], &["v3.5.1"]).await;
    let r = checkout.registry.host();
    checkout.open_prs().exits(0);
    crate::environment::push_tags(&checkout.registry, &["etcd:v3.5.2"]);
    checkout
        .github
        .release("etcd-io/etcd", Release::new("v3.5.2"));
    let output = checkout
        .environment
        .mirror("retrieve-tags --open-prs --dry-run")
        .exits(0);
    assert!(
        output.stderr.contains("etcd: would update "),
        "{}",
        output.stderr
    );
    let output = checkout.open_prs().exits(0);
    assert!(
        output.stderr.contains("etcd: updated "),
        "{}",
        output.stderr
    );
    let pulls = checkout.pulls();
    assert_eq!(pulls.len(), 1);
    assert_eq!(
        pulls[0].title,
        format!("Added tag(s) v3.5.1,v3.5.2 for image(s) {r}/etcd")
    );
    assert_eq!(pulls[0].state, PullState::Open);
    let list = &checkout.github.files(REPOSITORY, &pulls[0].head)["images-list"];
    assert_eq!(list.matches("v3.5.").count(), 3, "{list}");
    assert_eq!(
        checkout.github.log(REPOSITORY, &pulls[0].head).len(),
        2,
        "one commit on top of the base"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn proposal_includes_the_lock_lines_of_its_rows() {
    let checkout = Checkout::new(&["etcd:v3.5.0", "etcd:v3.5.1"], &["v3.5.1"]).await;
    checkout.environment.mirror("lock").exits(0);
    let lock = checkout.environment.read("images-list.lock");
    checkout
        .github
        .commit(REPOSITORY, "main", &[("images-list.lock", &lock)]);
    checkout.open_prs().exits(0);
    let files = checkout.github.files(REPOSITORY, &checkout.pulls()[0].head);
    let proposed = &files["images-list.lock"];
    assert!(proposed.starts_with(&lock), "{proposed}");
    assert_eq!(proposed.lines().count(), lock.lines().count() + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn dry_run_opens_no_pull_request() {
    let checkout = Checkout::new(&["etcd:v3.5.1"], &["v3.5.1"]).await;
    let r = checkout.registry.host();
    let writes = checkout.github.writes();
    let output = checkout
        .environment
        .mirror("retrieve-tags --open-prs --dry-run")
        .exits(0);
    let title = format!(": Added tag(s) v3.5.1 for image(s) {r}/etcd");
    assert!(
        output
            .stderr
            .contains("etcd: would open, from mirror/etcd-"),
        "{}",
        output.stderr
    );
    assert!(output.stderr.contains(&title), "{}", output.stderr);
    assert_eq!(checkout.github.writes(), writes);
    assert!(checkout.pulls().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn known_tags_change_nothing_in_the_repository() {
    let checkout = Checkout::new(&[], &["v3.5.0"]).await;
    let output = checkout.open_prs().exits(0);
    assert_eq!(
        output.json(),
        json!({ "etcd": { "images": [], "tags": [] } })
    );
    assert!(
        output.stderr.contains("nothing to propose"),
        "{}",
        output.stderr
    );
    // Pull requests are read: one may have all its rows in the list now.
    assert_eq!(checkout.github.writes(), 0);
}
