//! A 429 with Retry-After pauses every kind of request to its host.
//!
//! Takes more than 10 s: five mirrors with two registries each, and a pause of 2 s in each; and a pause
//! of 12 s, since progress has a line every ten seconds.

use std::time::Duration;

use testkit::proxy::{Action, FaultProxy, Rule};

use super::transient_faults::{ProxiedMirror, is_large, large_layer};

const PAUSE: Duration = Duration::from_secs(2);
/// Grace period for requests that were in flight when the 429 arrived, for a busy machine.
const IN_FLIGHT: Duration = Duration::from_millis(1500);

/// Asserts that no request arrived between the 429 and the end of its pause. Compares times that the
/// proxy recorded: a busy machine makes requests later, never earlier.
fn assert_paused(proxy: &FaultProxy, case: &str) {
    let requests = proxy.requests();
    let refused = requests.iter().find(|each| each.status() == Some(429));
    assert!(refused.is_some(), "{case}: nothing was refused");
    let refused = refused.unwrap();
    let (refused_at, _) = refused.answered.unwrap();
    let early: Vec<_> = requests
        .iter()
        .filter(|each| {
            // The refused request itself was no longer in flight.
            let is_retry = (&each.method, &each.path, &each.query)
                == (&refused.method, &refused.path, &refused.query);
            let since = if is_retry { Duration::ZERO } else { IN_FLIGHT };
            each.arrived > refused_at + since
        })
        .filter(|each| each.arrived + Duration::from_millis(20) < refused_at + PAUSE)
        .map(|each| (&each.method, &each.path, each.arrived - refused_at))
        .collect();
    assert!(early.is_empty(), "{case}: sent in the pause: {early:?}");
    let later = requests
        .iter()
        .any(|each| each.arrived > refused_at + PAUSE);
    assert!(later, "{case}: nothing was sent after the pause");
}

/// The request that gets one 429.
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

/// The size of the request body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Size {
    Any,
    Large,
}

async fn assert_pauses_after(refused: Refused) {
    let mirror = ProxiedMirror::new(&["aa", "bb", "cc"]).await;
    let proxy = match refused.side {
        Side::Source => &mirror.from,
        Side::Destination => &mirror.to,
    };
    let any = refused.size == Size::Any;
    let rule = Rule::new(refused.method, &refused.part);
    let rule = rule.when(move |parts| any || is_large(parts)).nth(1);
    proxy.add(rule.does(Action::answer(429).header("retry-after", "2")));
    mirror.assert_copies_all().await;
    let case = format!("{:?}: {} {}", refused.side, refused.method, refused.part);
    assert_paused(proxy, &case);
}

async fn assert_each_pauses(side: Side, kinds: Vec<(&'static str, String, Size)>) {
    let runs: Vec<_> = kinds
        .into_iter()
        .map(|(method, part, size)| {
            let refused = Refused {
                side,
                method,
                part,
                size,
            };
            tokio::spawn(assert_pauses_after(refused))
        })
        .collect();
    for run in runs {
        run.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn throttling_source_gets_no_request_during_the_pause() {
    let kinds = vec![
        ("HEAD", "/manifests/".to_owned(), Size::Any),
        ("GET", "/manifests/".to_owned(), Size::Any),
        ("GET", "/blobs/".to_owned(), Size::Any),
        ("GET", format!("/blobs/{}", large_layer().0), Size::Any),
        ("GET", "/tags/list".to_owned(), Size::Any),
    ];
    assert_each_pauses(Side::Source, kinds).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn throttling_destination_gets_no_request_during_the_pause() {
    let kinds = vec![
        ("HEAD", "/manifests/".to_owned(), Size::Any),
        ("POST", "/blobs/uploads/".to_owned(), Size::Any),
        ("PUT", "/blobs/uploads/".to_owned(), Size::Any),
        ("PUT", "/blobs/uploads/".to_owned(), Size::Large),
        ("PUT", "/manifests/".to_owned(), Size::Any),
    ];
    assert_each_pauses(Side::Destination, kinds).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pause_beyond_max_wait_fails_the_row_without_a_retry() {
    let mirror = ProxiedMirror::new(&["aa"]).await;
    let large = format!("/blobs/{}", large_layer().0);
    for (proxy, method, part) in [
        (&mirror.from, "GET", "/manifests/"),
        (&mirror.from, "GET", large.as_str()),
        (&mirror.to, "PUT", "/manifests/1"),
    ] {
        proxy.clear_requests();
        let refused = Action::answer(429).header("retry-after", "3600");
        proxy.add(Rule::new(method, part).does(refused));
        let output = mirror.mirror("sync").exits(3);
        assert!(output.stdout.contains("--max-wait"), "{}", output.stdout);
        assert_eq!(proxy.count(method, part), 1, "no retry");
        proxy.clear_rules();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn maximum_of_pulls_from_a_host_without_rows_is_a_warning() {
    let mirror = ProxiedMirror::new(&["aa"]).await;
    let from = mirror.from.host();
    let line = format!("sync --max-pulls localhost=5,{from}=50");
    let output = mirror.mirror(&line).exits(0);
    let want = format!(
        "--max-pulls localhost=5 has no effect: no row reads from localhost; rows read from {from}"
    );
    assert!(output.stderr.contains(&want), "{}", output.stderr);
    assert_eq!(output.stderr.matches("has no effect").count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_beyond_max_pulls_are_skipped_with_exit_code_1() {
    let mirror = ProxiedMirror::new(&["aa", "bb", "cc"]).await;
    // An index, an attestation and two images: four pulls.
    let line = format!("sync --no-referrers --max-pulls {}=5", mirror.from.host());
    let output = mirror.mirror(&line).exits(1);
    for part in [
        "1 copied",
        "2 skipped",
        "the maximum of 5 pulls",
        "--max-pulls",
    ] {
        assert!(output.stdout.contains(part), "{part}: {}", output.stdout);
    }
    assert!(mirror.from.count("GET", "/manifests/") <= 5);
    let line = "sync --no-referrers --max-pulls docker.io";
    let output = mirror.mirror(line).exits(2);
    assert!(output.stderr.contains("HOST=N"), "{}", output.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_names_the_host_and_the_rest_of_its_pause() {
    let mirror = ProxiedMirror::new(&["aa"]).await;
    let refused = || Action::answer(429).header("retry-after", "12");
    for line in [
        format!("tags {}/aa", mirror.from.host()),
        format!("ping {}", mirror.from.host()),
        "sync".to_owned(),
    ] {
        mirror.from.clear_rules();
        mirror.from.add(Rule::new("", "").nth(1).does(refused()));
        let output = mirror.mirror(&line).exits(0);
        let want = format!("{} pauses requests for another ", mirror.from.host());
        assert!(output.stderr.contains(&want), "{line}: {}", output.stderr);
    }
}
