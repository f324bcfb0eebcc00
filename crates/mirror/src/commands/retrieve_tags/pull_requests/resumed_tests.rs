use std::time::Duration;

use testkit::github::{Fault, Pull as FakePull, PullState as FakeState};

use super::samples::{
    LABEL, LIST, ProposeOptions, REPOSITORY, created, pair, proposal, propose, proposing, run,
    server,
};
use super::*;

#[tokio::test]
async fn interrupted_run_is_resumed() {
    for (method, path) in [
        ("POST", "/pulls"),
        ("POST", "/git/refs"),
        ("POST", "/git/commits"),
    ] {
        let server = server().await;
        server.fault(Fault::status(422).method(method).of(path));
        let outcome = run(&server, "etcd", &["a/b m/b v1"]).await;
        assert!(matches!(outcome, Outcome::Failed(_)), "{path}: {outcome:?}");
        server.commit(REPOSITORY, "main", &[("README", "new")]);
        created(&run(&server, "etcd", &["a/b m/b v1"]).await);
        let pulls = server.pulls(REPOSITORY);
        assert_eq!(pulls.len(), 1, "{path}");
        let files = server.files(REPOSITORY, &pulls[0].head);
        assert_eq!(files["README"], "new", "{path}: the branch is made anew");
        assert_eq!(server.branches(REPOSITORY).len(), 2, "{path}");
    }
}

#[tokio::test]
async fn interrupted_update_is_repeated() {
    let server = server().await;
    run(&server, "etcd", &["a/b m/b v1"]).await;
    server.fault(Fault::status(422).method("PATCH").of("/pulls/1"));
    let outcome = run(&server, "etcd", &["a/b m/b v2"]).await;
    assert!(matches!(outcome, Outcome::Failed(_)), "{outcome:?}");
    let outcome = run(&server, "etcd", &["a/b m/b v2"]).await;
    assert!(matches!(outcome, Outcome::Updated(_)), "{outcome:?}");
    assert!(server.pulls(REPOSITORY)[0].title.contains("v2"));
}

#[tokio::test]
async fn lost_responses_create_no_duplicates() {
    for path in [
        "/git/blobs",
        "/git/refs",
        "/pulls",
        "/issues/1/labels",
        "/labels",
    ] {
        let server = server().await;
        server.fault(Fault::lost_response().method("POST").of(path));
        created(&run(&server, "etcd", &["a/b m/b v1"]).await);
        let pulls = server.pulls(REPOSITORY);
        assert_eq!(
            (pulls.len(), &pulls[0].labels[..]),
            (1, &[LABEL.to_owned()][..]),
            "{path}"
        );
        assert_eq!(server.branches(REPOSITORY).len(), 2, "{path}");
    }
}

#[tokio::test]
async fn failed_label_does_not_fail_the_proposal() {
    let server = server().await;
    server.fault(Fault::status(403).method("POST").of("/labels").times(2));
    created(&run(&server, "etcd", &["a/b m/b v1"]).await);
    assert!(server.pulls(REPOSITORY)[0].labels.is_empty());
}

#[tokio::test]
async fn an_edit_of_an_old_list_is_not_proposed_and_the_others_are() {
    let server = server().await;
    let mut old = proposal("old", vec![pair("a/b m/b v1")]);
    if let Some(edit) = old.edited.get_mut(LIST) {
        edit.before = Some("# older list\n".to_owned());
    }
    let wanted = [old, proposal("new", vec![pair("c/d m/d v1")])];
    let proposed = propose(&proposing(&server, Mode::Propose), &wanted)
        .await
        .unwrap();
    let Outcome::Failed(error) = &proposed[0].outcome else {
        panic!("{proposed:?}");
    };
    let text = error.to_string();
    assert!(
        text.starts_with("lists/images-list is not the same here and in us/mirror on main"),
        "{text}"
    );
    created(&proposed[1].outcome);
    assert_eq!(server.branches(REPOSITORY).len(), 2);
}

#[tokio::test]
async fn very_old_proposals_are_found_by_their_branch() {
    let server = server().await;
    run(&server, "etcd", &["a/b m/b v1"]).await;
    server.close(REPOSITORY, 1);
    for number in 0..3_100 {
        server.pull(
            REPOSITORY,
            FakePull {
                number,
                title: "Another".to_owned(),
                body: String::new(),
                head: "feature".to_owned(),
                head_repository: REPOSITORY.to_owned(),
                base: "main".to_owned(),
                state: FakeState::Closed,
                labels: Vec::new(),
            },
        );
    }
    server.clear_requests();
    let again = run(&server, "etcd", &["a/b m/b v1"]).await;
    assert!(
        matches!(again, Outcome::AlreadyProposed(_, PullState::Closed)),
        "{again:?}"
    );
    assert!(server.requests().len() < 40, "{}", server.requests().len());
}

#[tokio::test]
async fn changes_are_made_with_a_pause_between_them() {
    let server = server().await;
    server.label(REPOSITORY, LABEL);
    let slow = ProposeOptions {
        pause: Duration::from_millis(100),
        ..proposing(&server, Mode::Propose)
    };
    let begun = tokio::time::Instant::now();
    let wanted = [proposal("etcd", vec![pair("a/b m/b v1")])];
    propose(&slow, &wanted).await.unwrap();
    // Blob, tree, commit, branch, pull request, label.
    assert_eq!(server.writes(), 6);
    assert!(
        begun.elapsed() >= Duration::from_millis(500),
        "{:?}",
        begun.elapsed()
    );
}
