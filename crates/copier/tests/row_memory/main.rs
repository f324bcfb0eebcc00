//! The memory that each row of a run takes, from a counting allocator.
//!
//! Both registries respond from memory that is allocated before the measurement.
#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::sync::Arc;

use copier::{Options, Progress, Row, RunContext, Status};
use embedded_registry::images::{Format, Image, Layer, Platform};
use embedded_registry::{Registry, RunningRegistry};
use peak_alloc::PeakAlloc;
use registry_client::Client;
use tokio_util::sync::CancellationToken;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Rows of the two runs that are compared. The difference leaves out memory that does not depend on the rows.
const LENGTHS: [usize; 2] = [2_000, 6_000];
/// Tags of each repository.
const TAGS: usize = 10;
/// Maximum bytes of a row: its names, its heads, its mount candidate and its outcome.
const MAX_ROW: usize = 1_650;

/// Two registries with the same images.
struct Mirror {
    source: RunningRegistry,
    destination: RunningRegistry,
}

impl Mirror {
    async fn new(rows: usize) -> Self {
        let start = || Registry::new().start();
        let mirror = Self {
            source: start().await.unwrap(),
            destination: start().await.unwrap(),
        };
        let layer = Layer::random(1, 100).unwrap();
        for number in 0..rows {
            let (repository, tag) = name(number);
            let image = Image::new(Format::Oci, Platform::linux("amd64"));
            let image = image.label("number", &number.to_string());
            let image = image.layer(layer.clone()).build();
            for registry in [&mirror.source, &mirror.destination] {
                image.push(registry, &repository, Some(&tag));
            }
        }
        mirror
    }

    fn rows(&self, count: usize) -> Vec<Row> {
        let row = |number| {
            let (repository, tag) = name(number);
            let name = |registry: &RunningRegistry| {
                let name = format!("{}/{repository}:{tag}", registry.host());
                name.parse().unwrap()
            };
            Row::new(name(&self.source), name(&self.destination))
        };
        (0..count).map(row).collect()
    }

    /// Returns the bytes that the rows take at the peak of a run in which nothing changes.
    async fn peak(&self, count: usize, options: &Options) -> usize {
        let before = ALLOCATOR.current_usage();
        ALLOCATOR.reset_peak_usage();
        let rows = self.rows(count);
        let own = ALLOCATOR.current_usage() - before;
        let context = RunContext {
            client: &Client::builder().build(),
            options,
            progress: &Arc::new(Progress::default()),
            stop: &CancellationToken::new(),
        };
        let report = copier::sync(context, &rows, &[]).await;
        assert_eq!(report.summary.unchanged, count);
        let peak = ALLOCATOR.peak_usage() - before;
        drop(rows);
        let kept = report.rows.len() * size_of_val(&report.rows[0]);
        println!("{count} rows: {own} B of names, {kept} B of outcomes, {peak} B at the peak");
        let is_unchanged = |outcome: &copier::Outcome| outcome.status == Status::Unchanged;
        assert!(report.rows.iter().all(is_unchanged));
        peak
    }
}

fn name(number: usize) -> (String, String) {
    let repository = format!("organization/image-{}", number / TAGS);
    (repository, format!("v1.2.{}", number % TAGS))
}

/// Returns the bytes that each row adds.
async fn bytes_a_row(mirror: &Mirror, options: &Options) -> usize {
    // The first run also allocates memory that later runs share.
    mirror.peak(100, options).await;
    let [short, long] = LENGTHS;
    let of_short = mirror.peak(short, options).await;
    let of_long = mirror.peak(long, options).await;
    of_long.saturating_sub(of_short) / (long - short)
}

#[tokio::test]
async fn unchanged_row_takes_little_memory() {
    let mirror = Mirror::new(LENGTHS[1]).await;
    let without_referrers = Options {
        referrers: false,
        ..Options::default()
    };
    let bytes = bytes_a_row(&mirror, &without_referrers).await;
    println!("{bytes} B a row without referrers");
    let with_referrers = bytes_a_row(&mirror, &Options::default()).await;
    println!("{with_referrers} B a row with referrers");
    assert!(bytes <= MAX_ROW, "{bytes} B a row");
}
