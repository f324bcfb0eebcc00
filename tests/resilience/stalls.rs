//! Peers that stop responding: the run gives up the request after the stall timeout and retries.
//!
//! Takes more than 30 s, the stall timeout. All rows stall at once so that it passes only once.

use std::time::{Duration, Instant};

use testkit::proxy::{Action, Rule};

use super::transient_faults::{ProxiedMirror, is_large, large_layer};

/// The stall timeout of the binary.
const STALL_TIMEOUT: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn sync_retries_stalled_requests_on_both_sides() {
    let mirror = ProxiedMirror::new(&["quick", "to-read", "to-write", "to-tag", "to-ask"]).await;
    let (blob, _) = large_layer();
    let stall = |method, part: &str| Rule::new(method, part).nth(1).does(Action::Stall);
    mirror.from.add(stall("GET", "/to-read/manifests/"));
    mirror.from.add(stall("HEAD", "/to-ask/manifests/"));
    let body = Rule::new("GET", &format!("/blobs/{blob}")).nth(1);
    mirror
        .from
        .add(body.does(Action::StallInBody { after: 300_000 }));
    mirror.to.add(stall("PUT", "/to-tag/manifests/sha256:"));
    // Exclude the upload that waits for the stalled download.
    let upload = Rule::new("PUT", "/to-write/blobs/uploads/");
    let upload = upload.when(|parts| !is_large(parts)).nth(1);
    mirror.to.add(upload.does(Action::Stall));
    let start = Instant::now();
    // A manifest and an upload have ten minutes by default.
    mirror
        .assert_copies_all_by("sync --commit-timeout 30s")
        .await;
    let (from, to) = (mirror.from.requests(), mirror.to.requests());
    let faulted = from.iter().chain(&to).filter(|request| request.faulted);
    assert_eq!(faulted.count(), 5);
    // The row whose source stalls leaves the layer to a row with another source.
    let reads = from
        .iter()
        .filter(|request| request.method == "GET" && request.path.contains(&blob));
    assert_eq!(reads.count(), 2, "the layer is read once more");
    println!("{:.1} s", start.elapsed().as_secs_f64());
    assert!(start.elapsed() > STALL_TIMEOUT, "nothing stalled");
}

#[tokio::test(flavor = "multi_thread")]
async fn row_beyond_its_timeout_fails_with_a_hint_and_others_are_copied() {
    let mirror = ProxiedMirror::new(&["aa", "bb"]).await;
    let stall = Rule::new("GET", "/bb/manifests/").does(Action::Stall);
    mirror.from.add(stall);
    let output = mirror.mirror("sync --row-timeout 3s").exits(1);
    for part in ["the row was not finished within 3 s", "--row-timeout"] {
        assert!(output.stdout.contains(part), "{}", output.stdout);
    }
    assert!(output.stdout.contains("1 copied"), "{}", output.stdout);
    let tags = mirror.to.count("PUT", "/bb/manifests/1");
    assert_eq!(tags, 0, "a tag of the failed row");
}
