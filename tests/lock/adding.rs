//! What `add-tag` and `fmt` do to a lock.

use super::digest_of;
use crate::add_tag::registry_with;
use crate::environment::TestEnvironment;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_added_is_locked_with_it() {
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
    let done = environment.mirror(&format!("{line} --dry-run")).exits(0);
    let digest = digest_of(&environment, &format!("{r}/a:2"));
    for new in [
        format!("+{r}/a r.io/m/a 2\n"),
        format!("+{r}/a r.io/m/a 2 {digest} "),
    ] {
        assert!(done.stdout.contains(&new), "{}", done.stdout);
    }
    assert_eq!(files(), before);

    registry.clear_requests();
    environment.mirror(&line).exits(0);
    assert_eq!(
        registry.request_count(),
        1,
        "the check's HEAD says the digest too"
    );
    let (list, lock) = files();
    assert_eq!(
        list,
        format!("{r}/a r.io/m/a 1\n{r}/a r.io/m/a 2\n{r}/a r.io/m/a 3\n")
    );
    let lines: Vec<_> = lock.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(
        lines[1].starts_with(&format!("{r}/a r.io/m/a 2 {digest} ")),
        "{lock}"
    );
    let mut others = lines.clone();
    others.remove(1);
    assert!(others.iter().all(|line| before.1.contains(line)), "{lock}");
    environment.mirror("lock --check").exits(0);

    // All or nothing, for the lock too.
    let before = files();
    let line = format!("add-tag IMAGES={r}/a TAGS=3,4 --skip-existing");
    environment.mirror(&line).exits(1);
    assert_eq!(files(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_is_none_stops_it_before_anybody_is_asked() {
    let registry = registry_with(&["a:1"]).await;
    let r = registry.host();
    let environment = TestEnvironment::new();
    environment.write("images-list", format!("{r}/a r.io/m/a 2\n"));
    environment.write("images-list.lock", "<<<<<<< HEAD\n");
    let done = environment
        .mirror(&format!("add-tag IMAGES={r}/a TAGS=1"))
        .exits(2);
    let want = "error: the lock has lines that approve nothing; nothing was sent\n";
    assert!(done.stderr.contains(want), "{}", done.stderr);
    assert!(
        done.stderr
            .contains("images-list.lock:1: 2 fields instead of 5"),
        "{}",
        done.stderr
    );
    assert_eq!(registry.request_count(), 0);
    assert_eq!(
        environment.read("images-list"),
        format!("{r}/a r.io/m/a 2\n")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_follows_the_order_of_its_list() {
    let registry = registry_with(&["a:1", "b:1"]).await;
    let r = registry.host();
    let environment = TestEnvironment::new();
    environment.write(
        "images-list",
        format!("{r}/b r.io/m/b 1\n{r}/a r.io/m/a 1\n"),
    );
    environment.mirror("lock").exits(0);
    let lines = || {
        let lock = environment.read("images-list.lock");
        let lines = lock.lines().filter(|line| !line.starts_with('#'));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let mut want = lines();
    want.reverse();
    environment.mirror("fmt").exits(0);
    assert_eq!(lines(), want);
}
