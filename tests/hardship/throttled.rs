//! A 429 with Retry-After pauses its host for every request, of any kind.

use std::time::Duration;

use testkit::proxy::{Action, FaultProxy, Rule};

use super::faults::{Broken, is_large, large};

const PAUSE: Duration = Duration::from_secs(1);
/// For what was under way when the answer came.
const UNDER_WAY: Duration = Duration::from_millis(250);

/// No request came between a refusal and the end of the pause that it asked for.
fn assert_paused(proxy: &FaultProxy, shown: &str) {
    let requests = proxy.requests();
    let refused = requests.iter().find(|each| each.status() == Some(429));
    assert!(refused.is_some(), "{shown}: nothing was refused");
    let refused = refused.unwrap();
    let (refused_at, _) = refused.answered.unwrap();
    let early: Vec<_> = requests
        .iter()
        .filter(|each| {
            // The refused request itself was not under way.
            let again = (&each.method, &each.path, &each.query)
                == (&refused.method, &refused.path, &refused.query);
            let since = if again { Duration::ZERO } else { UNDER_WAY };
            each.arrived > refused_at + since
        })
        .filter(|each| each.arrived + Duration::from_millis(20) < refused_at + PAUSE)
        .map(|each| (&each.method, &each.path, each.arrived - refused_at))
        .collect();
    assert!(early.is_empty(), "{shown}: sent in the pause: {early:?}");
    let later = requests
        .iter()
        .any(|each| each.arrived > refused_at + PAUSE);
    assert!(later, "{shown}: nothing was sent after the pause");
}

/// A request that is refused once.
struct Refused {
    side: Side,
    method: &'static str,
    part: String,
    size: Size,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Source,
    Destination,
}

/// Of the request's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Size {
    Any,
    Large,
}

async fn pauses(refused: Refused) {
    let broken = Broken::new(&["aa", "bb", "cc"]).await;
    let proxy = match refused.side {
        Side::Source => &broken.from,
        Side::Destination => &broken.to,
    };
    let any = refused.size == Size::Any;
    let rule = Rule::new(refused.method, &refused.part);
    let rule = rule.when(move |parts| any || is_large(parts)).nth(1);
    proxy.add(rule.does(Action::answer(429).header("retry-after", "1")));
    broken.copies_all().await;
    let shown = format!("{:?}: {} {}", refused.side, refused.method, refused.part);
    assert_paused(proxy, &shown);
}

async fn all_pause(side: Side, kinds: Vec<(&'static str, String, Size)>) {
    let runs: Vec<_> = kinds
        .into_iter()
        .map(|(method, part, size)| {
            let refused = Refused {
                side,
                method,
                part,
                size,
            };
            tokio::spawn(pauses(refused))
        })
        .collect();
    for run in runs {
        run.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_throttles_is_left_alone() {
    let kinds = vec![
        ("HEAD", "/manifests/".to_owned(), Size::Any),
        ("GET", "/manifests/".to_owned(), Size::Any),
        ("GET", "/blobs/".to_owned(), Size::Any),
        ("GET", format!("/blobs/{}", large().0), Size::Any),
        ("GET", "/tags/list".to_owned(), Size::Any),
    ];
    all_pause(Side::Source, kinds).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_that_throttles_is_left_alone() {
    let kinds = vec![
        ("HEAD", "/manifests/".to_owned(), Size::Any),
        ("POST", "/blobs/uploads/".to_owned(), Size::Any),
        ("PUT", "/blobs/uploads/".to_owned(), Size::Any),
        ("PUT", "/blobs/uploads/".to_owned(), Size::Large),
        ("PUT", "/manifests/".to_owned(), Size::Any),
    ];
    all_pause(Side::Destination, kinds).await;
}

/// A pause beyond the longest wait fails at once and names the time.
#[tokio::test(flavor = "multi_thread")]
async fn a_pause_that_is_too_long_is_told() {
    let broken = Broken::new(&["aa"]).await;
    let large = format!("/blobs/{}", large().0);
    for (proxy, method, part) in [
        (&broken.from, "GET", "/manifests/"),
        (&broken.from, "GET", large.as_str()),
        (&broken.to, "PUT", "/manifests/1"),
    ] {
        proxy.clear_requests();
        let refused = Action::answer(429).header("retry-after", "3600");
        proxy.add(Rule::new(method, part).does(refused));
        let done = broken.run("sync").await.exits(3);
        assert!(done.stdout.contains("--max-wait"), "{}", done.stdout);
        assert_eq!(proxy.count(method, part), 1, "asked once");
        proxy.clear_rules();
    }
}
