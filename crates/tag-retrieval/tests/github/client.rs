//! Requests of the GitHub client: pages, retries and shared fetches.

use std::time::Duration;

use futures::future::join_all;
use tag_retrieval::github::{Github, GithubError, GithubOptions, GithubRequest, Token};
use testkit::github::{FakeGithub, Fault, Release};

use crate::{client, project};

const RELEASES: &str = "/repos/a/b/releases";

#[tokio::test]
async fn all_pages_are_read_in_order() {
    let server = FakeGithub::new().start().await;
    for number in 0..250 {
        server.release("a/b", Release::new(&format!("v{number}")));
    }
    let github = client(&server, None);
    let releases = github.releases(&project("a/b")).await.unwrap();
    let tags: Vec<_> = releases
        .iter()
        .map(|release| release.tag.as_str())
        .collect();
    assert_eq!((tags.len(), tags[0], tags[249]), (250, "v249", "v0"));
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn concurrent_callers_share_one_fetch() {
    let server = FakeGithub::new()
        .latency(Duration::from_millis(50))
        .start()
        .await;
    server.release("a/b", Release::new("v1"));
    server.tag("a/b", "v1", &[("images.txt", "a/b:v1\n")]);
    let (github, project) = (client(&server, None), project("a/b"));
    let needs = (0..5).map(|_| async {
        let releases = github.releases(&project).await.unwrap();
        let file = github.file(&project, "v1", "images.txt").await.unwrap();
        (releases.len(), file.unwrap())
    });
    for (releases, file) in join_all(needs).await {
        assert_eq!((releases, &*file), (1, "a/b:v1\n"));
    }
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn at_most_eight_requests_are_in_flight() {
    let server = FakeGithub::new()
        .latency(Duration::from_millis(20))
        .start()
        .await;
    let github = client(&server, None);
    let projects: Vec<_> = (0..30).map(|number| format!("a/b{number}")).collect();
    for name in &projects {
        server.release(name, Release::new("v1"));
    }
    let needs = projects.iter().map(|name| async {
        github.releases(&project(name)).await.unwrap();
    });
    join_all(needs).await;
    assert_eq!(server.max_in_flight(), 8);
}

#[tokio::test]
async fn transient_failures_only_are_retried() {
    let table = [
        (500, 3, 4),
        (502, 3, 4),
        (503, 3, 4),
        (503, 9, 4),
        (422, 1, 1),
        (403, 1, 1),
    ];
    for (status, times, requests) in table {
        let server = FakeGithub::new().start().await;
        server.release("a/b", Release::new("v1"));
        server.fault(Fault::status(status).times(times));
        let outcome = client(&server, None).releases(&project("a/b")).await;
        assert_eq!(server.requests().len(), requests, "{status}");
        assert_eq!(outcome.is_ok(), times < requests, "{status} {times}");
        if let Err(error) = outcome {
            assert_eq!(error.status().unwrap().as_u16(), status);
        }
    }
}

#[tokio::test]
async fn renamed_project_is_found_under_its_old_name() {
    let server = FakeGithub::new().token("secret").start().await;
    server.private("a/old");
    for number in 0..101 {
        server.release("a/old", Release::new(&format!("v{number}")));
    }
    server.rename("a/old", "b/new");
    let github = client(&server, Some("secret"));
    let releases = github.releases(&project("a/old")).await.unwrap();
    assert_eq!(releases.len(), 101);
}

#[tokio::test]
async fn refused_connection_is_an_error_with_a_hint() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let api = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let github = Github::new(GithubOptions {
        api: api.parse().unwrap(),
        token: Token::parse("secret").ok(),
        backoff: Duration::from_millis(1),
        ..GithubOptions::default()
    });
    let error = github
        .releases(&project("a/b"))
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with(&format!("GET {api}{RELEASES}?")),
        "{error}"
    );
    assert!(
        error.contains("Connection refused") && error.contains("GITHUB_API_URL"),
        "{error}"
    );
}

#[tokio::test]
async fn hanging_server_is_an_error_at_the_deadline() {
    let server = FakeGithub::new()
        .latency(Duration::from_secs(60))
        .start()
        .await;
    let deadline = tokio::time::Instant::now() + Duration::from_millis(200);
    let github = client(&server, None).until(deadline);
    let error = github.releases(&project("a/b")).await.unwrap_err();
    assert!(matches!(error, GithubError::Timeout { .. }), "{error}");
}

#[tokio::test]
async fn missing_repository_is_named_and_a_token_suggested_if_none_is_set() {
    let server = FakeGithub::new().token("secret").start().await;
    server.private("a/private");
    let project = project("a/private");
    let request = GithubRequest::get("/repos/a/private");
    let anonymous = client(&server, None);
    let error = anonymous.releases(&project).await.unwrap_err().to_string();
    assert!(
        error.starts_with("GitHub has no repository a/private"),
        "{error}"
    );
    assert!(error.contains("GITHUB_TOKEN"), "{error}");
    let error = anonymous
        .latest_release(&project)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("GitHub has no repository a/private"),
        "{error}"
    );

    let known = client(&server, Some("secret"));
    known.send(&request).await.unwrap();
    assert_eq!(known.latest_release(&project).await.unwrap(), None);
}

#[tokio::test]
async fn refused_token_is_reported_and_never_printed() {
    let server = FakeGithub::new().token("secret").start().await;
    server.release("a/b", Release::new("v1"));
    let github = client(&server, Some("wr0ng"));
    let error = github.releases(&project("a/b")).await.unwrap_err();
    assert!(matches!(error, GithubError::BadToken { .. }), "{error}");
    assert!(error.to_string().contains("refuses the token"), "{error}");
    let shown = format!("{github:?} {error:?} {error}");
    assert!(!shown.contains("wr0ng"), "{shown}");
    assert_eq!(server.requests().len(), 1, "no further try");
}
