//! Rate limits of GitHub: waits, and errors with the time.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use tag_retrieval::github::{GithubError, RateLimit};
use testkit::github::{FakeGithub, Fault, Release};
use tokio::time::Instant;

use crate::{client, project};

#[tokio::test]
async fn client_waits_for_a_limit_that_ends_before_the_deadline() {
    let server = FakeGithub::new().start().await;
    server.release("a/b", Release::new("v1"));
    for fault in [
        Fault::primary_limit(Duration::from_secs(2)),
        Fault::secondary_limit(Some(1)),
    ] {
        server.fault(fault);
        server.clear_requests();
        let github = client(&server, None);
        let releases = github.releases(&project("a/b")).await.unwrap();
        assert_eq!(releases[0].tag, "v1");
        let statuses: Vec<_> = server
            .requests()
            .iter()
            .map(|request| request.status)
            .collect();
        assert_eq!(statuses, [403, 200], "retried once, after the limit");
    }
}

#[tokio::test]
async fn limit_beyond_the_deadline_is_an_error_with_its_end() {
    let server = FakeGithub::new().start().await;
    server.fault(Fault::primary_limit(Duration::from_secs(3_000)));
    // A client that waited would wait for the deadline, which this test does not reach.
    let github = client(&server, None).until(Instant::now() + Duration::from_secs(2_000));
    let error = github.releases(&project("a/b")).await.unwrap_err();
    let GithubError::RateLimited { limit, until, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(*limit, RateLimit::Primary);
    let away = *until - Utc::now();
    assert!(away > TimeDelta::seconds(2_900), "{away}");
    let text = error.to_string();
    assert!(
        text.contains(&until.format("%Y-%m-%dT%H:%M:%SZ").to_string()),
        "{text}"
    );
    assert!(
        text.contains("set GITHUB_TOKEN to raise the limit"),
        "{text}"
    );

    // No other request is sent while the limit applies.
    let other = github.releases(&project("c/d")).await.unwrap_err();
    assert!(matches!(other, GithubError::RateLimited { .. }), "{other}");
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn secondary_limit_without_an_end_lasts_a_minute() {
    let server = FakeGithub::new().start().await;
    server.fault(Fault::secondary_limit(None));
    let github = client(&server, Some("secret"));
    let error = github.releases(&project("a/b")).await.unwrap_err();
    let GithubError::RateLimited {
        limit,
        until,
        authenticated,
    } = error
    else {
        panic!("{error}");
    };
    assert_eq!((limit, authenticated), (RateLimit::Secondary, true));
    let away = (until - Utc::now()).num_seconds();
    assert!((50..=60).contains(&away), "{away}");
}

#[tokio::test]
async fn no_request_is_sent_after_the_last_allowed_one() {
    let server = FakeGithub::new().start().await;
    server.release("a/b", Release::new("v1"));
    server.release("c/d", Release::new("v1"));
    server.limit(60, 1, Duration::from_secs(3_000));
    let github = client(&server, None);
    github.releases(&project("a/b")).await.unwrap();
    let error = github.releases(&project("c/d")).await.unwrap_err();
    assert!(matches!(error, GithubError::RateLimited { .. }), "{error}");
    assert_eq!(
        server.requests().len(),
        1,
        "the second was known to be refused"
    );
}
