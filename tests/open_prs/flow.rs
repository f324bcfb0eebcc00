//! From a release to a pull request, and what becomes of it.

use serde_json::json;
use testkit::github::{PullState, Release};

use super::{REPOSITORY, World};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_new_is_proposed_once() {
    let world = World::new(&["etcd:v3.5.1"], &["v3.5.0", "v3.5.1", "v3.5.2"]).await;
    let r = world.registry.host();
    let done = world.run().exits(0);
    let images = [format!("{r}/etcd")];
    assert_eq!(
        done.json(),
        json!({ "etcd": { "images": images, "tags": ["v3.5.1", "v3.5.2"] } })
    );
    let pulls = world.pulls();
    assert_eq!(pulls.len(), 1);
    let pull = &pulls[0];
    assert_eq!(
        pull.title,
        format!("Added tag(s) v3.5.1 for image(s) {r}/etcd")
    );
    assert_eq!(pull.labels, ["status/auto-created"]);
    assert!(pull.head.starts_with("mirror/etcd-"), "{}", pull.head);
    assert!(done.stderr.contains("etcd: opened "), "{}", done.stderr);
    // v3.5.2 was announced and is not there yet.
    let left_out = format!("{r}/etcd:v3.5.2 was announced and is not there yet: it is left out");
    assert!(done.stderr.contains(&left_out), "{}", done.stderr);
    assert!(pull.body.contains("v3.5.2"), "{}", pull.body);
    let list = &world.github.files(REPOSITORY, &pull.head)["images-list"];
    let want = format!("# ours\n{r}/etcd {r}/m/etcd v3.5.0\n{r}/etcd {r}/m/etcd v3.5.1\n");
    assert_eq!(*list, want);
    let here = world.environment.read("images-list");
    assert_eq!(
        here,
        format!("# ours\n{r}/etcd {r}/m/etcd v3.5.0\n"),
        "nothing is written here"
    );

    let writes = world.github.writes();
    let done = world.run().exits(0);
    assert!(
        done.stderr.contains("etcd: proposed already: "),
        "{}",
        done.stderr
    );
    world.github.close(REPOSITORY, 1);
    let done = world.run().exits(0);
    assert!(
        done.stderr.contains("etcd: proposed before, and closed: "),
        "{}",
        done.stderr
    );
    assert_eq!(world.github.writes(), writes, "nothing is proposed again");
    assert_eq!(world.pulls().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_set_takes_the_place_of_an_open_one() {
    let world = World::new(&["etcd:v3.5.1"], &["v3.5.1"]).await;
    let r = world.registry.host();
    world.run().exits(0);
    crate::add_tag::push(&world.registry, &["etcd:v3.5.2"]);
    world.github.release("etcd-io/etcd", Release::new("v3.5.2"));
    let done = world
        .environment
        .mirror("retrieve-tags --open-prs --dry-run")
        .exits(0);
    assert!(
        done.stderr.contains("etcd: would update "),
        "{}",
        done.stderr
    );
    let done = world.run().exits(0);
    assert!(done.stderr.contains("etcd: updated "), "{}", done.stderr);
    let pulls = world.pulls();
    assert_eq!(pulls.len(), 1);
    assert_eq!(
        pulls[0].title,
        format!("Added tag(s) v3.5.1,v3.5.2 for image(s) {r}/etcd")
    );
    assert_eq!(pulls[0].state, PullState::Open);
    let list = &world.github.files(REPOSITORY, &pulls[0].head)["images-list"];
    assert_eq!(list.matches("v3.5.").count(), 3, "{list}");
    assert_eq!(
        world.github.log(REPOSITORY, &pulls[0].head).len(),
        2,
        "one commit on the base"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_is_proposed_with_its_rows() {
    let world = World::new(&["etcd:v3.5.0", "etcd:v3.5.1"], &["v3.5.1"]).await;
    world.environment.mirror("lock").exits(0);
    let lock = world.environment.read("images-list.lock");
    world
        .github
        .commit(REPOSITORY, "main", &[("images-list.lock", &lock)]);
    world.run().exits(0);
    let files = world.github.files(REPOSITORY, &world.pulls()[0].head);
    let proposed = &files["images-list.lock"];
    assert!(proposed.starts_with(&lock), "{proposed}");
    assert_eq!(proposed.lines().count(), lock.lines().count() + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_changes_nothing() {
    let world = World::new(&["etcd:v3.5.1"], &["v3.5.1"]).await;
    let r = world.registry.host();
    let writes = world.github.writes();
    let done = world
        .environment
        .mirror("retrieve-tags --open-prs --dry-run")
        .exits(0);
    let title = format!(": Added tag(s) v3.5.1 for image(s) {r}/etcd");
    assert!(
        done.stderr.contains("etcd: would open, from mirror/etcd-"),
        "{}",
        done.stderr
    );
    assert!(done.stderr.contains(&title), "{}", done.stderr);
    assert_eq!(world.github.writes(), writes);
    assert!(world.pulls().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_list_has_asks_for_no_pull_request() {
    let world = World::new(&[], &["v3.5.0"]).await;
    let done = world.run().exits(0);
    assert_eq!(done.json(), json!({ "etcd": { "images": [], "tags": [] } }));
    assert!(
        done.stderr.contains("nothing to propose"),
        "{}",
        done.stderr
    );
    let asked = world.github.requests();
    assert!(
        asked
            .iter()
            .all(|request| !request.target.contains(REPOSITORY)),
        "{asked:?}"
    );
}
