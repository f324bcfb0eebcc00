//! `add-tag` and `fmt` with a lock.

use super::{digest_of, lock_lines};
use crate::environment::{TestEnvironment, registry_with};

#[tokio::test(flavor = "multi_thread")]
async fn add_tag_locks_the_rows_that_it_adds() {
    let registry = registry_with(&["a:1", "a:2", "a:3"]).await;
    let r = registry.host();
    let environment = TestEnvironment::new();
    environment.write(
        "images-list",
        format!("{r}/a r.io/m/a 1\n{r}/a r.io/m/a 3\n"),
    );
    environment.mirror("lock").exits(0);
    let files = || {
        (
            environment.read("images-list"),
            environment.read("images-list.lock"),
        )
    };
    let before = files();

    let line = format!("add-tag IMAGES={r}/a TAGS=2");
    let output = environment.mirror(&format!("{line} --dry-run")).exits(0);
    let digest = digest_of(&environment, &format!("{r}/a:2"));
    for new in [
        format!("+{r}/a r.io/m/a 2\n"),
        format!("+{r}/a r.io/m/a 2 {digest} "),
    ] {
        assert!(output.stdout.contains(&new), "{}", output.stdout);
    }
    assert_eq!(files(), before);

    registry.clear_requests();
    environment.mirror(&line).exits(0);
    let requests = registry.requests();
    let manifests = requests
        .iter()
        .filter(|it| it.path.ends_with("/manifests/2"));
    assert_eq!(
        manifests.count(),
        1,
        "one HEAD serves both check and lock: {requests:?}"
    );
    let (list, lock) = files();
    assert_eq!(
        list,
        format!("{r}/a r.io/m/a 1\n{r}/a r.io/m/a 2\n{r}/a r.io/m/a 3\n")
    );
    let lines = lock_lines(&environment);
    assert!(
        lines[1].starts_with(&format!("{r}/a r.io/m/a 2 {digest} ")),
        "{lock}"
    );
    let mut others = lines;
    others.remove(1);
    assert!(others.iter().all(|line| before.1.contains(line)), "{lock}");
    environment.mirror("lock --check").exits(0);

    // A failed addition changes neither list nor lock.
    let before = files();
    let line = format!("add-tag IMAGES={r}/a TAGS=3,4 --skip-existing");
    environment.mirror(&line).exits(1);
    assert_eq!(files(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_lock_stops_add_tag_before_any_request() {
    let registry = registry_with(&["a:1"]).await;
    let r = registry.host();
    let environment = TestEnvironment::new();
    environment.write("images-list", format!("{r}/a r.io/m/a 2\n"));
    environment.write("images-list.lock", "<<<<<<< HEAD\n");
    let output = environment
        .mirror(&format!("add-tag IMAGES={r}/a TAGS=1"))
        .exits(2);
    let want = "error: the lock has invalid lines; nothing was sent\n";
    assert!(output.stderr.contains(want), "{}", output.stderr);
    assert!(
        output
            .stderr
            .contains("images-list.lock:1: `<<<<<<< HEAD` is the mark of an unresolved merge"),
        "{}",
        output.stderr
    );
    assert_eq!(registry.request_count(), 0);
    assert_eq!(
        environment.read("images-list"),
        format!("{r}/a r.io/m/a 2\n")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn fmt_sorts_the_lock_like_the_list() {
    let registry = registry_with(&["a:1", "b:1"]).await;
    let r = registry.host();
    let environment = TestEnvironment::new();
    environment.write(
        "images-list",
        format!("{r}/b r.io/m/b 1\n{r}/a r.io/m/a 1\n"),
    );
    environment.mirror("lock").exits(0);
    let mut want = lock_lines(&environment);
    want.reverse();
    environment.mirror("fmt").exits(0);
    assert_eq!(lock_lines(&environment), want);
}
