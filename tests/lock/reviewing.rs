//! What `check-new` finds in a branch with a lock.

use embedded_registry::RunningRegistry;

use super::{digest_of, push_again};
use crate::add_tag::registry_with;
use crate::check_new::branch_with;
use crate::environment::{Finished, TestEnvironment};

const ZEROS: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

/// A branch of a locked list with two rows.
async fn locked_branch() -> (RunningRegistry, TestEnvironment) {
    let registry = registry_with(&["a:1", "a:2", "b:1", "m/a:1", "m/b:1"]).await;
    let r = registry.host();
    let environment = branch_with(&format!("{r}/a {r}/m/a 1\n{r}/b {r}/m/b 1\n"));
    let git = |args: &[&str]| environment.run("git", args);
    git(&["checkout", "-q", "main"]);
    environment.mirror("lock").exits(0);
    git(&["add", "images-list.lock"]);
    git(&["commit", "-qm", "lock"]);
    git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
    git(&["checkout", "-qB", "topic"]);
    (registry, environment)
}

/// What is found, without the sums.
fn findings(done: &Finished) -> Vec<&str> {
    let lines: Vec<_> = done.stdout.lines().collect();
    lines[..lines.len() - 1].to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn new_rows_are_locked_to_what_their_source_has() {
    let (registry, environment) = locked_branch().await;
    let r = registry.host();
    let list = format!("{r}/a {r}/m/a 1\n{r}/a {r}/m/a 2\n{r}/b {r}/m/b 1\n");
    environment.write("images-list", &list);
    let done = environment.result_of("check-new").exits(1);
    let want = format!(
        "images-list:2: `{r}/a {r}/m/a 2` is not locked: run `mirror lock` and commit images-list.lock"
    );
    assert_eq!(findings(&done), [want]);
    environment.mirror("lock").exits(0);
    environment.mirror("check-new").exits(0);
    // Locked to something else than what everybody sees.
    let digest = digest_of(&environment, &format!("{r}/a:2"));
    let lock = environment.read("images-list.lock");
    let of_row = |line: &str| line.contains(" 2 sha256:");
    let wrong: String = lock
        .lines()
        .map(|line| if of_row(line) { line.replace(&digest, ZEROS) } else { line.to_owned() } + "\n")
        .collect();
    environment.write("images-list.lock", wrong);
    let done = environment.result_of("check-new").exits(1);
    let want = format!(
        "images-list:2: `{r}/a {r}/m/a 2` is locked to {ZEROS} and its source has {digest}: find \
         out which is right; `mirror lock --update --match '{r}/a:2'` takes the source's"
    );
    assert_eq!(findings(&done), [want]);
    environment.mirror("check-new --mutable *:2").exits(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_approved_stays() {
    let (registry, environment) = locked_branch().await;
    let r = registry.host();
    let old = digest_of(&environment, &format!("{r}/a:1"));
    push_again(&registry, "a", "1");
    let new = digest_of(&environment, &format!("{r}/a:1"));
    environment.mirror("lock --update --match */a:1").exits(0);
    let done = environment.mirror("check-new").exits(1);
    let want = format!(
        "images-list.lock:3: `{r}/a {r}/m/a 1` was approved as {old} and is {new} now: put the line \
         back, or say that it was approved anew with --allow-approvals"
    );
    assert_eq!(findings(&done), [want]);
    for allowed in ["--allow-approvals", "--mutable */a:1"] {
        environment.mirror(&format!("check-new {allowed}")).exits(0);
    }
    // A line that is gone, and then all of them.
    let lock = environment.read("images-list.lock");
    let without: String = lock
        .lines()
        .filter(|line| !line.starts_with(&format!("{r}/b ")))
        .map(|line| line.to_owned() + "\n")
        .collect();
    environment.write("images-list.lock", without);
    let done = environment.mirror("check-new --mutable */a:1").exits(1);
    let want = format!(
        "images-list:2: `{r}/b {r}/m/b 1` was approved as {old} and is not locked any more: put the \
         line back, or say that it was approved anew with --allow-approvals"
    );
    assert_eq!(findings(&done), [want]);
    std::fs::remove_file(environment.path("images-list.lock")).unwrap();
    let done = environment.mirror("check-new").exits(1);
    let want = "images-list:1: images-list.lock was removed, and with it what was approved: put it \
                back, or say that it may go with --allow-approvals";
    assert_eq!(findings(&done), [want]);
    environment.mirror("check-new --allow-approvals").exits(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_with_marks_of_a_merge_is_found() {
    let (_registry, environment) = locked_branch().await;
    let lock = environment.read("images-list.lock");
    environment.write("images-list.lock", format!("{lock}>>>>>>> topic\n"));
    let done = environment.mirror("check-new").exits(1);
    let start = "images-list.lock:5: 2 fields instead of 5";
    assert!(findings(&done)[0].starts_with(start), "{}", done.stdout);
}
