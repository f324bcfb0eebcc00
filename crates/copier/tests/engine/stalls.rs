//! Rows beside a source that stalls.

use std::time::Duration;

use copier::{Options, RowError, Status};
use embedded_registry::RunningRegistry;
use embedded_registry::images::{Bundle, Format, Image, Layer, Platform};
use registry_client::Client;
use testkit::proxy::{Action, FaultProxy, Rule};

use super::run::{Run, client, count, registry, row};

/// Large enough to be streamed.
const LARGE: usize = 200_000;

fn image(seeds: impl Iterator<Item = u64>) -> Bundle {
    let image = Image::new(Format::Oci, Platform::linux("amd64"));
    let layers = seeds.map(|seed| Layer::random(seed, LARGE).unwrap());
    layers.fold(image, Image::layer).build()
}

/// Returns a proxy for a source whose layers stall after their first bytes.
async fn stalling(source: &RunningRegistry) -> FaultProxy {
    let proxy = FaultProxy::start(source.address()).await;
    let is_layer = |parts: &http::request::Parts| parts.method == "GET";
    let stall = Action::StallInBody { after: 1000 };
    proxy.add(Rule::new("GET", "/blobs/").when(is_layer).does(stall));
    proxy
}

fn row_from(proxy: &FaultProxy, name: &str, target: &RunningRegistry, to: &str) -> copier::Row {
    copier::Row::new(
        format!("{}/{name}", proxy.host()).parse().unwrap(),
        format!("{}/{to}", target.host()).parse().unwrap(),
    )
}

/// Waits until the registry has a tag.
async fn tagged(registry: &RunningRegistry, name: &str) {
    while registry.tagged(name, "v1").is_none() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Runs rows until the registry has a tag, and no longer.
async fn run_until_tagged(run: &Run, rows: &[copier::Row], target: &RunningRegistry, name: &str) {
    let client: Client = client();
    let found = tokio::select! {
        report = run.sync_by(&client, rows) => panic!("the run ended: {report:#?}"),
        found = tokio::time::timeout(Duration::from_secs(20), tagged(target, name)) => found,
    };
    assert!(found.is_ok(), "the honest row waits for the other source");
}

#[tokio::test]
async fn stalling_layers_of_one_host_leave_streams_for_others() {
    let (slow, honest, target) = (registry().await, registry().await, registry().await);
    image(0..30).push(&slow, "slow", Some("v1"));
    image(100..102).push(&honest, "honest", Some("v1"));
    let proxy = stalling(&slow).await;
    let rows = [
        row_from(&proxy, "slow:v1", &target, "slow:v1"),
        row(&honest, "honest:v1", &target, "honest:v1"),
    ];
    run_until_tagged(&Run::default(), &rows, &target, "honest").await;
    assert!(target.tagged("slow", "v1").is_none());
}

#[tokio::test]
async fn shared_blob_comes_from_the_source_that_does_not_stall() {
    let (slow, honest, target) = (registry().await, registry().await, registry().await);
    for source in [&slow, &honest] {
        image(0..2).push(source, "app", Some("v1"));
    }
    let proxy = stalling(&slow).await;
    // The honest row starts when the other one sends the layers.
    let late = FaultProxy::start(honest.address()).await;
    late.add(Rule::new("HEAD", "").does(Action::Delay(Duration::from_millis(300))));
    let rows = [
        row_from(&proxy, "app:v1", &target, "one:v1"),
        row_from(&late, "app:v1", &target, "two:v1"),
    ];
    let run = Run {
        options: Options {
            stall_patience: Duration::from_millis(400),
            ..Options::default()
        },
        ..Run::default()
    };
    let whole = run.sync(&rows);
    let report = tokio::time::timeout(Duration::from_secs(20), whole).await;
    let report = report.expect("the rows wait for the source that stalls");
    assert_eq!(report.summary.copied, 2, "{report:#?}");
    assert!(
        late.count("GET", "/blobs/") >= 2,
        "the layers are read there"
    );
    assert_eq!(
        (report.summary.blobs_copied, report.summary.blobs_mounted),
        (3, 3),
        "two layers and the config, once: {report:#?}"
    );
}

#[tokio::test]
async fn row_beyond_its_time_fails_and_others_do_not() {
    let (slow, honest, target) = (registry().await, registry().await, registry().await);
    image(0..1).push(&slow, "slow", Some("v1"));
    image(100..101).push(&honest, "honest", Some("v1"));
    let proxy = stalling(&slow).await;
    let rows = [
        row_from(&proxy, "slow:v1", &target, "slow:v1"),
        row(&honest, "honest:v1", &target, "honest:v1"),
    ];
    let run = Run {
        options: Options {
            row_timeout: Some(Duration::from_secs(3)),
            ..Options::default()
        },
        ..Run::default()
    };
    let report = run.sync(&rows).await;
    let error = report.rows[0].error.as_deref();
    assert!(matches!(error, Some(RowError::Timeout { .. })), "{error:?}");
    assert_eq!(report.rows[1].status, Status::Copied, "{report:#?}");
    assert!(target.tagged("slow", "v1").is_none());
    assert_eq!(count(&target, "PUT", "/v2/slow/manifests/"), 0);
}
