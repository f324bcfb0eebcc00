//! A blob far larger than the memory that a run may take.

use testkit::clients::Crane;
use testkit::processes::{Distribution, Storage};
use testkit::push::Pusher;

use super::watched::{BOUND, watch};
use crate::environment::TestEnvironment;

const SIZE: u64 = 512 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn a_large_blob_passes_through_little_memory() {
    let files = || Distribution::new().storage(Storage::Files);
    let (source, target) = (files().start().await, files().start().await);
    let (from, to) = (source.host(), target.host());
    let digest = Pusher::new(&from).big_image("big", "1", 7, &[SIZE]).await;
    let environment = TestEnvironment::new();
    environment.write("images-list", format!("{from}/big {to}/big 1\n"));
    let watched = watch(&environment, "sync --output json").await;
    let document = watched.finished.exits(0).json();
    let seconds = watched.duration.as_secs_f64();
    println!("{SIZE} bytes: {} KiB, {seconds:.1} s", watched.peak);
    assert_eq!(document["rows"][0]["digest"], digest.as_ref());
    assert!(document["summary"]["bytes_copied"].as_u64().unwrap() > SIZE);
    assert!(watched.peak < BOUND, "{} KiB", watched.peak);
    // Pulling checks every digest on the way to nowhere.
    let copied = format!("{to}/big:1");
    let crane = Crane::new();
    assert_eq!(crane.digest(&copied).await.unwrap(), digest.as_ref());
    let pull = ["pull", copied.as_str(), "/dev/null"];
    crane.run(&pull).await.unwrap();
}
