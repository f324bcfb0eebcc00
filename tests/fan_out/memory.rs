//! Blobs far larger than the memory of a run, to three registries.
//!
//! Takes more than 10 s: 384 MiB are pushed, and copied three times.

use testkit::processes::{Distribution, RegistryProcess, Storage};
use testkit::push::Pusher;

use crate::environment::{MAX_MEMORY_KIB, TestEnvironment, column, measure_memory};

const SIZES: [u64; 6] = [64 << 20; 6];

#[tokio::test(flavor = "multi_thread")]
async fn large_layers_reach_three_registries_in_bounded_memory() {
    let files = || Distribution::new().storage(Storage::Files).start();
    let source = files().await;
    let registries = [files().await, files().await, files().await];
    let from = source.host();
    let pusher = Pusher::new(&from);
    let digest = pusher.large_image("big", "1", 7, &SIZES).await;
    let environment = TestEnvironment::new();
    let hosts = registries.each_ref().map(RegistryProcess::host);
    let rows = hosts.iter().map(|to| format!("{from}/big {to}/big 1\n"));
    environment.write("images-list", rows.collect::<String>());
    let run = measure_memory(&environment, "sync --no-referrers --output json");
    let document = run.output.exits(0).json();
    let size: u64 = SIZES.iter().sum();
    let seconds = run.duration.as_secs_f64();
    println!("3 x {size} bytes: {} KiB, {seconds:.1} s", run.peak_kib);
    assert_eq!(column(&document, "digest"), [digest.as_ref(); 3]);
    assert!(run.peak_kib < MAX_MEMORY_KIB, "{} KiB", run.peak_kib);
}
