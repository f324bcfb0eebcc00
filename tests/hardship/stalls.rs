//! Peers that say nothing any more: they are given up after the stall time and
//! asked again, all at once so that the test waits for it once.

use std::time::{Duration, Instant};

use testkit::proxy::{Action, Rule};

use super::faults::{Broken, is_large, large};

/// What a peer may be silent for.
const STALL: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn stalls_on_both_sides_are_given_up_and_tried_again() {
    let broken = Broken::new(&["quick", "to-read", "to-write", "to-tag", "to-ask"]).await;
    let (blob, _) = large();
    let stall = |method, part: &str| Rule::new(method, part).nth(1).does(Action::Stall);
    broken.from.add(stall("GET", "/to-read/manifests/"));
    broken.from.add(stall("HEAD", "/to-ask/manifests/"));
    let body = Rule::new("GET", &format!("/blobs/{blob}")).nth(1);
    broken
        .from
        .add(body.does(Action::StallInBody { after: 300_000 }));
    broken.to.add(stall("PUT", "/to-tag/manifests/sha256:"));
    // Not the one that waits for the download that stalls.
    let upload = Rule::new("PUT", "/to-write/blobs/uploads/");
    let upload = upload.when(|parts| !is_large(parts)).nth(1);
    broken.to.add(upload.does(Action::Stall));
    let start = Instant::now();
    broken.copies_all().await;
    let (from, to) = (broken.from.requests(), broken.to.requests());
    let faulted = from.iter().chain(&to).filter(|request| request.faulted);
    assert_eq!(faulted.count(), 5);
    let resumed = from
        .iter()
        .filter(|request| request.header("range").is_some());
    assert_eq!(resumed.count(), 1, "the download went on where it was");
    println!("{:.1} s", start.elapsed().as_secs_f64());
    assert!(start.elapsed() > STALL, "nothing stalled");
}
