//! Writing and checking the lock itself.

use super::{digest_of, push_again};
use crate::add_tag::registry_with;
use crate::environment::TestEnvironment;

fn lines(environment: &TestEnvironment) -> Vec<String> {
    let text = environment.read("images-list.lock");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_approved_stays_until_it_is_approved_anew() {
    let registry = registry_with(&["a:1", "b:1"]).await;
    let r = registry.host();
    let environment = TestEnvironment::new();
    environment.write(
        "images-list",
        format!("# head\n{r}/a r.io/a 1\n{r}/b r.io/b 1\n{r}/gone r.io/gone 1\n"),
    );
    let done = environment.mirror("lock").exits(1);
    let missing =
        format!("images-list:4: `{r}/gone r.io/gone 1` is not locked: {r}/gone:1 does not exist");
    assert!(done.stdout.contains(&missing), "{}", done.stdout);
    assert!(
        done.stdout.ends_with("2 of 3 rows locked\n"),
        "{}",
        done.stdout
    );
    let old = digest_of(&environment, &format!("{r}/a:1"));
    let first = lines(&environment);
    assert_eq!(first.len(), 2);
    assert!(
        first[0].starts_with(&format!("{r}/a r.io/a 1 {old} application/vnd.")),
        "{first:?}"
    );

    // Pushed again: neither asked for nor changed.
    push_again(&registry, "a", "1");
    push_again(&registry, "b", "1");
    let new = digest_of(&environment, &format!("{r}/a:1"));
    assert_ne!(old, new);
    registry.clear_requests();
    environment.mirror("lock").exits(1);
    assert_eq!(lines(&environment), first);
    let asked = registry.requests();
    assert!(
        asked.iter().all(|request| request.path.contains("/gone/")),
        "{asked:?}"
    );

    let done = environment.mirror("lock --update --match */a:1").exits(0);
    let changed = format!("changed  {r}/a r.io/a 1 {old} -> {new}\n");
    assert!(done.stdout.starts_with(&changed), "{}", done.stdout);
    let second = lines(&environment);
    assert!(second[0].contains(&new));
    assert_eq!(second[1], first[1], "what was not named stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_asks_nobody() {
    let registry = registry_with(&["a:1", "b:1"]).await;
    let r = registry.host();
    let environment = TestEnvironment::new();
    let row = |name: &str| format!("{r}/{name} r.io/{name} 1\n");
    environment.write("images-list", row("a"));
    let done = environment.mirror("lock --check").exits(1);
    assert!(
        done.stdout.starts_with("images-list:1: `"),
        "{}",
        done.stdout
    );
    environment.mirror("lock").exits(0);
    registry.clear_requests();
    environment.mirror("lock --check").exits(0);
    // Another row in the place of the one that is locked.
    environment.write("images-list", row("b"));
    let before = environment.read("images-list.lock");
    let done = environment
        .mirror("lock --check --output json")
        .exits(1)
        .json();
    let problems = done["problems"].as_array().unwrap();
    assert_eq!(problems[0]["file"], "images-list");
    assert_eq!(problems[1]["file"], "images-list.lock");
    assert_eq!(problems[1]["line"], 3);
    assert_eq!(environment.read("images-list.lock"), before);
    assert_eq!(registry.request_count(), 0);
    environment.write("images-list.lock", "<<<<<<< HEAD\n");
    let done = environment.mirror("lock --check").exits(1);
    assert!(
        done.stdout
            .contains("images-list.lock:1: 2 fields instead of 5"),
        "{}",
        done.stdout
    );
    let done = environment.mirror("lock").exits(2);
    assert!(
        done.stderr.contains("images-list.lock:1: 2 fields"),
        "{}",
        done.stderr
    );
    assert_eq!(environment.read("images-list.lock"), "<<<<<<< HEAD\n");
}
