//! Stored credentials for hosts that hide repositories from anonymous clients.

use http::request::Parts;
use testkit::proxy::{Action, FaultProxy, Rule};
use testkit::tokens::TokenServer;

use crate::setup::{INDEX, Setup, index, pings, pull, start, tag};

fn is_anonymous(parts: &Parts) -> bool {
    !parts.headers.contains_key("authorization")
}

fn is_ping(parts: &Parts) -> bool {
    parts.uri.path() == "/v2/"
}

/// Makes a host respond with a status to requests without credentials, and with a challenge or 200
/// to `/v2/`.
fn hide(proxy: &FaultProxy, status: u16, challenge: Option<&str>) {
    let ping = Rule::new("GET", "/v2/").when(is_ping);
    proxy.add(ping.does(match challenge {
        Some(challenge) => Action::answer(401).header("www-authenticate", challenge),
        None => Action::answer(200).body("{}"),
    }));
    let hidden = Rule::new("", "/v2/a/").when(is_anonymous);
    proxy.add(hidden.does(Action::answer(status)));
}

#[tokio::test]
async fn credentials_are_offered_to_a_host_that_hides_a_repository() {
    let tokens = TokenServer::new().user("us", "secret").start().await;
    let bearer = format!(r#"Bearer realm="{}",service="s""#, tokens.auth().realm);
    let schemes = [
        (Some("Basic realm=\"x\""), "Basic "),
        (Some(bearer.as_str()), "Bearer "),
        (None, "Basic "),
    ];
    for status in [401, 403, 404] {
        for (challenge, scheme) in schemes {
            let (registry, proxy) = start().await;
            registry.put_manifest("a", Some("1"), INDEX, index("x"));
            hide(&proxy, status, challenge);
            let client = Setup::new().login(&proxy.host(), "us", "secret").client();
            let repository = pull(&client, &proxy.host(), "a");
            for _ in 0..2 {
                let found = repository.head_manifest(tag("1")).await.unwrap();
                assert!(found.is_some(), "{status} {challenge:?}");
            }
            let requests = proxy.requests();
            let authorized = requests.iter().filter_map(|it| it.header("authorization"));
            let authorized: Vec<_> = authorized.collect();
            assert_eq!(authorized.len(), 2, "{status} {challenge:?}: {requests:?}");
            assert!(authorized.iter().all(|value| value.starts_with(scheme)));
            assert_eq!(pings(&proxy), 1, "{status} {challenge:?}");
        }
    }
}

#[tokio::test]
async fn host_is_not_pinged_without_stored_credentials() {
    let (_registry, proxy) = start().await;
    hide(&proxy, 404, Some("Basic realm=\"x\""));
    let client = Setup::new().login("other.example", "us", "secret").client();
    let repository = pull(&client, &proxy.host(), "a");
    assert!(repository.head_manifest(tag("1")).await.unwrap().is_none());
    assert_eq!(proxy.requests().len(), 1);
}

/// A registry without authentication, and one that refuses credentials that it does not know.
#[tokio::test]
async fn anonymous_requests_work_on_after_a_refused_offer() {
    for refuses in [false, true] {
        let (registry, proxy) = start().await;
        registry.put_manifest("b", Some("1"), INDEX, index("x"));
        if refuses {
            let known = Rule::new("", "/v2/").when(|parts| !is_anonymous(parts));
            proxy.add(known.does(Action::answer(401)));
        }
        let client = Setup::new().login(&proxy.host(), "us", "stale").client();
        let missing = pull(&client, &proxy.host(), "a");
        assert!(missing.head_manifest(tag("1")).await.unwrap().is_none());
        let present = pull(&client, &proxy.host(), "b");
        assert!(present.head_manifest(tag("1")).await.unwrap().is_some());
        assert!(missing.head_manifest(tag("2")).await.unwrap().is_none());
        assert_eq!(pings(&proxy), 1, "{refuses}");
    }
}
