//! A blob far larger than the memory of a run.
//!
//! Takes more than 10 s: 512 MiB are pushed, copied and pulled again.

use testkit::clients::Crane;
use testkit::processes::{Distribution, Storage};
use testkit::push::Pusher;

use crate::environment::{MAX_MEMORY_KIB, TestEnvironment, measure_memory};

const SIZE: u64 = 512 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn sync_copies_a_large_blob_in_bounded_memory() {
    let files = || Distribution::new().storage(Storage::Files);
    let (source, destination) = (files().start().await, files().start().await);
    let (from, to) = (source.host(), destination.host());
    let digest = Pusher::new(&from).large_image("big", "1", 7, &[SIZE]).await;
    let environment = TestEnvironment::new();
    environment.write("images-list", format!("{from}/big {to}/big 1\n"));
    let run = measure_memory(&environment, "sync --output json");
    let document = run.output.exits(0).json();
    let seconds = run.duration.as_secs_f64();
    println!("{SIZE} bytes: {} KiB, {seconds:.1} s", run.peak_kib);
    assert_eq!(document["rows"][0]["digest"], digest.as_ref());
    assert!(document["summary"]["bytes_copied"].as_u64().unwrap() > SIZE);
    assert!(run.peak_kib < MAX_MEMORY_KIB, "{} KiB", run.peak_kib);
    // A pull to /dev/null verifies every digest.
    let copied = format!("{to}/big:1");
    let crane = Crane::new();
    assert_eq!(crane.digest(&copied).await.unwrap(), digest.as_ref());
    let pull = ["pull", copied.as_str(), "/dev/null"];
    crane.run(&pull).await.unwrap();
}
