//! `mirror lock`, `--update` and `--check`.

use super::{digest_of, lock_lines};
use crate::environment::{TestEnvironment, push_other_image, registry_with};

#[tokio::test(flavor = "multi_thread")]
async fn lock_keeps_an_approved_digest_until_update() {
    let registry = registry_with(&["a:1", "b:1"]).await;
    let r = registry.host();
    let environment = TestEnvironment::new();
    environment.write(
        "images-list",
        format!("# head\n{r}/a r.io/a 1\n{r}/b r.io/b 1\n{r}/gone r.io/gone 1\n"),
    );
    let output = environment.mirror("lock").exits(1);
    let missing =
        format!("images-list:4: `{r}/gone r.io/gone 1` is not locked: {r}/gone:1 does not exist");
    assert!(output.stdout.contains(&missing), "{}", output.stdout);
    assert!(
        output.stdout.ends_with("2 of 3 rows locked\n"),
        "{}",
        output.stdout
    );
    let old = digest_of(&environment, &format!("{r}/a:1"));
    let first = lock_lines(&environment);
    assert_eq!(first.len(), 2);
    assert!(
        first[0].starts_with(&format!("{r}/a r.io/a 1 {old} application/vnd.")),
        "{first:?}"
    );

    // Tags that moved: no request for them, and no change.
    push_other_image(&registry, "a", "1");
    push_other_image(&registry, "b", "1");
    let new = digest_of(&environment, &format!("{r}/a:1"));
    assert_ne!(old, new);
    registry.clear_requests();
    environment.mirror("lock").exits(1);
    assert_eq!(lock_lines(&environment), first);
    let requests = registry.requests();
    assert!(
        requests
            .iter()
            .all(|request| request.path.contains("/gone/")),
        "{requests:?}"
    );

    let output = environment.mirror("lock --update --match */a:1").exits(0);
    let changed = format!("changed  {r}/a r.io/a 1 {old} -> {new}\n");
    assert!(output.stdout.starts_with(&changed), "{}", output.stdout);
    let second = lock_lines(&environment);
    assert!(second[0].contains(&new));
    assert_eq!(second[1], first[1], "rows that --match excludes stay");
}

#[tokio::test(flavor = "multi_thread")]
async fn lock_check_sends_no_request() {
    let registry = registry_with(&["a:1", "b:1"]).await;
    let r = registry.host();
    let environment = TestEnvironment::new();
    let row = |name: &str| format!("{r}/{name} r.io/{name} 1\n");
    environment.write("images-list", row("a"));
    let output = environment.mirror("lock --check").exits(1);
    assert!(
        output.stdout.starts_with("images-list:1: `"),
        "{}",
        output.stdout
    );
    environment.mirror("lock").exits(0);
    registry.clear_requests();
    environment.mirror("lock --check").exits(0);
    // A list with another row than the lock.
    environment.write("images-list", row("b"));
    let before = environment.read("images-list.lock");
    let output = environment
        .mirror("lock --check --output json")
        .exits(1)
        .json();
    let problems = output["problems"].as_array().unwrap();
    assert_eq!(problems[0]["file"], "images-list");
    assert_eq!(problems[1]["file"], "images-list.lock");
    assert_eq!(problems[1]["line"], 3);
    assert_eq!(environment.read("images-list.lock"), before);
    assert_eq!(registry.request_count(), 0);
    environment.write("images-list.lock", "<<<<<<< HEAD\n");
    let output = environment.mirror("lock --check").exits(1);
    assert!(
        output
            .stdout
            .contains("images-list.lock:1: `<<<<<<< HEAD` is the mark of an unresolved merge"),
        "{}",
        output.stdout
    );
    let output = environment.mirror("lock").exits(2);
    assert!(
        output
            .stderr
            .contains("images-list.lock:1: `<<<<<<< HEAD` is the mark of an unresolved merge"),
        "{}",
        output.stderr
    );
    assert_eq!(environment.read("images-list.lock"), "<<<<<<< HEAD\n");
}
