use testkit::github::{FakeGithub, Pull as FakePull, PullState as FakeState};

use super::samples::{
    LABEL, LIST, ProposeOptions, REPOSITORY, created, pair, proposal, propose, proposing, run,
    run_of, server,
};
use super::*;

#[tokio::test]
async fn proposal_is_a_labeled_pull_request_from_a_branch_with_the_edited_list() {
    let server = server().await;
    let outcome = run(&server, "etcd", &["a/b m/b v2", "a/b m/b v1"]).await;
    assert_eq!(created(&outcome), "https://github.com/us/mirror/pull/1");

    let pulls = server.pulls(REPOSITORY);
    let pull = &pulls[0];
    assert_eq!(pull.title, "Added tag(s) v1,v2 for image(s) a/b");
    assert_eq!(
        (pull.base.as_str(), &pull.labels[..]),
        ("main", &[LABEL.to_owned()][..])
    );
    assert!(pull.head.starts_with("mirror/etcd-"), "{}", pull.head);
    assert!(
        pull.body.contains("| `a/b` | `v2` | `m/b` |"),
        "{}",
        pull.body
    );
    let files = server.files(REPOSITORY, &pull.head);
    assert_eq!(files[LIST], "# list\na/b m/b v2\na/b m/b v1\n");
    assert_eq!(files["README"], "r", "what is not edited stays");
    assert_eq!(server.log(REPOSITORY, &pull.head)[0], pull.title);
    assert_eq!(
        server.log(REPOSITORY, &pull.head).len(),
        2,
        "on top of main"
    );
    assert_eq!(server.files(REPOSITORY, "main")[LIST], "# list\n");
}

#[tokio::test]
async fn the_same_set_is_not_proposed_again_open_or_closed() {
    let server = server().await;
    run(&server, "etcd", &["a/b m/b v1", "a/b m/b v2"]).await;
    for (state, want) in [
        (FakeState::Open, PullState::Open),
        (FakeState::Closed, PullState::Closed),
    ] {
        if state == FakeState::Closed {
            server.close(REPOSITORY, 1);
        }
        server.clear_requests();
        let outcome = run(&server, "etcd", &["a/b m/b v2", "docker.io/a/b m/b v1"]).await;
        let Outcome::AlreadyProposed(url, found) = outcome else {
            panic!("{outcome:?}");
        };
        assert_eq!(
            (url.as_str(), found),
            ("https://github.com/us/mirror/pull/1", want)
        );
        assert_eq!(server.writes(), 0);
    }
}

#[tokio::test]
async fn proposals_with_equal_cut_titles_are_different() {
    let server = server().await;
    let image = format!("a/{}", "b".repeat(200));
    let row = |tag: &str| format!("{image} m/b {}{tag}", "1".repeat(100));
    let first = run(&server, "x", &[&row("1")]).await;
    created(&first);
    server.close(REPOSITORY, 1);
    created(&run(&server, "x", &[&row("2")]).await);
    let pulls = server.pulls(REPOSITORY);
    assert!(pulls[0].title.chars().count() <= 256);
    let again = run(&server, "x", &[&row("1")]).await;
    assert!(
        matches!(again, Outcome::AlreadyProposed(_, PullState::Closed)),
        "{again:?}"
    );
}

#[tokio::test]
async fn a_newer_set_of_an_entry_goes_into_the_open_pull_request() {
    let server = server().await;
    run(&server, "etcd", &["a/b m/b v1"]).await;
    run(&server, "other", &["c/d m/d v1"]).await;
    let branch = server.pulls(REPOSITORY)[0].head.clone();
    // The base went on in the meantime.
    server.commit(REPOSITORY, "main", &[("README", "new")]);

    let outcome = run(&server, "etcd", &["a/b m/b v1", "a/b m/b v2"]).await;
    assert!(
        matches!(&outcome, Outcome::Updated(url) if url.ends_with("/pull/1")),
        "{outcome:?}"
    );
    let pulls = server.pulls(REPOSITORY);
    assert_eq!(pulls.len(), 2);
    assert_eq!(pulls[0].title, "Added tag(s) v1,v2 for image(s) a/b");
    assert_eq!(
        pulls[0].head, branch,
        "the branch keeps the name of the first set"
    );
    assert_eq!(pulls[0].labels, [LABEL]);
    let files = server.files(REPOSITORY, &branch);
    assert_eq!(files[LIST], "# list\na/b m/b v1\na/b m/b v2\n");
    assert_eq!(files["README"], "new", "from the base's head");
    assert!(
        pulls[1].title.contains("c/d"),
        "the other entry's is as it was"
    );

    let again = run(&server, "etcd", &["a/b m/b v1", "a/b m/b v2"]).await;
    assert!(
        matches!(again, Outcome::AlreadyProposed(_, PullState::Open)),
        "{again:?}"
    );
}

#[tokio::test]
async fn one_run_does_not_propose_a_set_twice() {
    let server = server().await;
    let twice = ["one", "two"].map(|entry| proposal(entry, vec![pair("a/b m/b v1")]));
    let proposed = propose(&proposing(&server, Mode::Propose), &twice)
        .await
        .unwrap();
    assert!(matches!(proposed[0].outcome, Outcome::Created(_)));
    assert!(matches!(proposed[1].outcome, Outcome::AlreadyProposed(..)));
    assert_eq!(server.pulls(REPOSITORY).len(), 1);
}

#[tokio::test]
async fn pull_requests_from_forks_are_ignored() {
    let server = server().await;
    let wanted = proposal("etcd", vec![pair("a/b m/b v1")]);
    let forged = |head: &str, head_repository: &str, state| FakePull {
        number: 0,
        title: "Forged".to_owned(),
        body: Marker::new(&wanted).line(),
        head: head.to_owned(),
        head_repository: head_repository.to_owned(),
        base: "main".to_owned(),
        state,
        labels: vec![LABEL.to_owned()],
    };
    // From a fork, whose branch is called like ours; from a branch without a proposal.
    server.pull(
        REPOSITORY,
        forged("mirror/etcd-000000000000", "them/mirror", FakeState::Open),
    );
    server.pull(
        REPOSITORY,
        forged("mirror/etcd-000000000000", "them/mirror", FakeState::Closed),
    );
    server.pull(REPOSITORY, forged("main", REPOSITORY, FakeState::Open));
    created(&run_of(&server, wanted).await);
    let pulls = server.pulls(REPOSITORY);
    assert_eq!(pulls.len(), 4);
    assert!(pulls[..3].iter().all(|pull| pull.title == "Forged"));
    assert_eq!(server.files(REPOSITORY, "main")[LIST], "# list\n");
}

#[tokio::test]
async fn dry_run_changes_nothing() {
    let server = server().await;
    run(&server, "open", &["a/b m/b v1"]).await;
    server.clear_requests();
    let wanted = [
        proposal("open", vec![pair("a/b m/b v2")]),
        proposal("new", vec![pair("c/d m/d v1")]),
    ];
    let proposed = propose(&proposing(&server, Mode::DryRun), &wanted)
        .await
        .unwrap();
    let shown = format!("{proposed:?}");
    assert!(
        matches!(&proposed[0].outcome, Outcome::WouldUpdate { url, title }
            if url.ends_with("/1") && title.contains("v2")),
        "{shown}"
    );
    let entries: Vec<_> = proposed.iter().map(|proposed| &proposed.entry).collect();
    assert_eq!(entries, ["open", "new"]);
    let would = matches!(&proposed[1].outcome, Outcome::WouldCreate { branch, title }
        if branch.starts_with("mirror/new-") && title == "Added tag(s) v1 for image(s) c/d");
    assert!(would, "{shown}");
    assert_eq!(server.writes(), 0);
}

#[tokio::test]
async fn missing_repository_and_branch_are_errors() {
    let server = FakeGithub::new().start().await;
    let wanted = [proposal("etcd", vec![pair("a/b m/b v1")])];
    let error = propose(&proposing(&server, Mode::Propose), &wanted)
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("GitHub has no repository us/mirror"),
        "{error}"
    );
    let there = super::samples::server().await;
    let on = ProposeOptions {
        base: Some("release/v2".to_owned()),
        ..proposing(&there, Mode::Propose)
    };
    let error = propose(&on, &wanted).await.unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("GitHub has no branch release/v2 in us/mirror"),
        "{error}"
    );
}

#[tokio::test]
async fn renamed_repository_keeps_its_proposals() {
    let server = server().await;
    run(&server, "etcd", &["a/b m/b v1"]).await;
    server.rename(REPOSITORY, "us/new");
    let again = run(&server, "etcd", &["a/b m/b v1"]).await;
    assert!(matches!(again, Outcome::AlreadyProposed(..)), "{again:?}");
    created(&run(&server, "other", &["c/d m/d v1"]).await);
    assert_eq!(server.pulls("us/new").len(), 2);
}

#[tokio::test]
async fn shared_data_is_requested_once() {
    let server = server().await;
    let wanted: Vec<_> = (0..4)
        .map(|number| {
            let row = format!("a/b{number} m/b v1");
            proposal(&format!("entry{number}"), vec![pair(&row)])
        })
        .collect();
    let proposed = propose(&proposing(&server, Mode::Propose), &wanted)
        .await
        .unwrap();
    assert!(
        proposed
            .iter()
            .all(|proposed| matches!(proposed.outcome, Outcome::Created(_)))
    );
    let pulls = server.pulls(REPOSITORY);
    assert!(pulls.iter().all(|pull| pull.labels == [LABEL]));
    // The repository, its branch, the head, its list; pull requests open and closed; the label.
    // The two trees with the mode of the list.
    assert_eq!(server.count("GET", "/"), 9, "{:?}", server.requests());
}
