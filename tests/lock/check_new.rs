//! `check-new` on a branch with a lock.

use embedded_registry::RunningRegistry;

use super::digest_of;
use crate::check_new::branch_with;
use crate::environment::{CommandOutput, TestEnvironment, push_other_image, registry_with};

const ZEROS: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

/// A branch of a locked list with two rows.
async fn locked_branch() -> (RunningRegistry, TestEnvironment) {
    let registry = registry_with(&["a:1", "a:2", "b:1", "m/a:1", "m/b:1"]).await;
    let r = registry.host();
    let environment = branch_with(&format!("{r}/a {r}/m/a 1\n{r}/b {r}/m/b 1\n"));
    let git = |args: &[&str]| environment.git(args);
    git(&["checkout", "-q", "main"]);
    environment.mirror("lock").exits(0);
    git(&["add", "images-list.lock"]);
    git(&["commit", "-qm", "lock"]);
    git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
    git(&["checkout", "-qB", "topic"]);
    (registry, environment)
}

/// Returns the printed findings, without the summary line.
fn findings(output: &CommandOutput) -> Vec<&str> {
    let lines: Vec<_> = output.stdout.lines().collect();
    lines[..lines.len() - 1].to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn new_rows_must_be_locked_to_the_digest_at_the_source() {
    let (registry, environment) = locked_branch().await;
    let r = registry.host();
    let list = format!("{r}/a {r}/m/a 1\n{r}/a {r}/m/a 2\n{r}/b {r}/m/b 1\n");
    environment.write("images-list", &list);
    let output = environment.mirror_without_vv("check-new").exits(1);
    let want = format!(
        "images-list:2: `{r}/a {r}/m/a 2` is not locked; run `mirror lock` and commit images-list.lock"
    );
    assert_eq!(findings(&output), [want]);
    environment.mirror("lock").exits(0);
    environment.mirror("check-new").exits(0);
    // Locked to another digest than the source has.
    let digest = digest_of(&environment, &format!("{r}/a:2"));
    let lock = environment.read("images-list.lock");
    let of_row = |line: &str| line.contains(" 2 sha256:");
    let wrong: String = lock
        .lines()
        .map(|line| if of_row(line) { line.replace(&digest, ZEROS) } else { line.to_owned() } + "\n")
        .collect();
    environment.write("images-list.lock", wrong);
    let output = environment.mirror_without_vv("check-new").exits(1);
    let want = format!(
        "images-list:2: `{r}/a {r}/m/a 2` is locked to {ZEROS}, but the source has {digest}; review \
         the change, then approve it with `mirror lock --update --match '{r}/a:2'`"
    );
    assert_eq!(findings(&output), [want]);
    environment.mirror("check-new --mutable *:2").exits(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_approvals_are_findings() {
    let (registry, environment) = locked_branch().await;
    let r = registry.host();
    let old = digest_of(&environment, &format!("{r}/a:1"));
    push_other_image(&registry, "a", "1");
    let new = digest_of(&environment, &format!("{r}/a:1"));
    environment.mirror("lock --update --match */a:1").exits(0);
    let output = environment.mirror("check-new").exits(1);
    let want = format!(
        "images-list.lock:3: the approval of `{r}/a {r}/m/a 1` was changed from {old} to {new}; \
         restore the line, or run with --allow-approvals"
    );
    assert_eq!(findings(&output), [want]);
    for allowed in ["--allow-approvals", "--mutable */a:1"] {
        environment.mirror(&format!("check-new {allowed}")).exits(0);
    }
    // A removed line, and then a removed lock.
    let lock = environment.read("images-list.lock");
    let without: String = lock
        .lines()
        .filter(|line| !line.starts_with(&format!("{r}/b ")))
        .map(|line| line.to_owned() + "\n")
        .collect();
    environment.write("images-list.lock", without);
    let output = environment.mirror("check-new --mutable */a:1").exits(1);
    let want = format!(
        "images-list:2: the approval of `{r}/b {r}/m/b 1` as {old} was removed; restore the line, or \
         run with --allow-approvals"
    );
    assert_eq!(findings(&output), [want]);
    std::fs::remove_file(environment.path("images-list.lock")).unwrap();
    let output = environment.mirror("check-new").exits(1);
    let want = "images-list:1: images-list.lock was removed with its approvals; restore it, or run \
                with --allow-approvals";
    assert_eq!(findings(&output), [want]);
    environment.mirror("check-new --allow-approvals").exits(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn merge_markers_in_the_lock_are_a_finding() {
    let (_registry, environment) = locked_branch().await;
    let lock = environment.read("images-list.lock");
    environment.write("images-list.lock", format!("{lock}>>>>>>> topic\n"));
    let output = environment.mirror("check-new").exits(1);
    let start = "images-list.lock:5: `>>>>>>> topic` is the mark of an unresolved merge conflict";
    assert!(findings(&output)[0].starts_with(start), "{}", output.stdout);
}
