//! The requests of a run: none twice, and none with a known response.

use std::time::Duration;

use copier::Row;
use embedded_registry::images::{Format, Image, Layer, Platform, sample_image};
use testkit::proxy::{Action, FaultProxy, Rule};

use super::run::{Run, count, registry, row};

fn platforms() -> [Platform; 2] {
    [Platform::linux("amd64"), Platform::linux("arm64")]
}

#[tokio::test]
async fn first_run_sends_each_blob_once_and_second_run_sends_heads() {
    let (source, target) = (registry().await, registry().await);
    let image = sample_image("app", 1, &platforms(), 3).unwrap();
    image.push(&source, "team/app", Some("v1"));
    let rows = [row(&source, "team/app:v1", &target, "mirror/app:v1")];

    let report = Run::default().sync(&rows).await;
    assert_eq!(report.summary.copied, 1, "{report:#?}");
    let stored = target.tagged("mirror/app", "v1").unwrap();
    assert_eq!(stored.bytes, *image.root().bytes());
    let blobs = image.blobs().len() as u64;
    assert_eq!(report.summary.blobs_copied, blobs);
    assert_eq!(count(&source, "GET", "/blobs/"), blobs as usize);
    assert_eq!(
        count(&target, "POST", "/blobs/uploads/"),
        blobs as usize + 1,
        "one probe of mounts"
    );

    source.clear_requests();
    target.clear_requests();
    let report = Run::default().without_referrers().sync(&rows).await;
    assert_eq!(report.summary.unchanged, 1, "{report:#?}");
    assert_eq!(
        (source.request_count(), target.request_count()),
        (1, 1),
        "one HEAD on each side"
    );
}

#[tokio::test]
async fn blobs_of_an_earlier_run_are_mounted() {
    let (source, target) = (registry().await, registry().await);
    let old = sample_image("old", 1, &platforms(), 3).unwrap();
    let new = sample_image("new", 2, &platforms(), 3).unwrap();
    old.push(&source, "team/old", Some("v1"));
    new.push(&source, "other/new", Some("v1"));
    let rows = [
        row(&source, "team/old:v1", &target, "mirror/old:v1"),
        row(&source, "other/new:v1", &target, "mirror/new:v1"),
    ];
    Run::default().sync(&rows[..1]).await;
    let report = Run::default().sync(&rows).await;
    assert_eq!(
        (report.summary.unchanged, report.summary.copied),
        (1, 1),
        "{report:#?}"
    );
    assert_eq!(
        report.summary.blobs_mounted, 2,
        "the base layer of each platform: {report:#?}"
    );
    for base in old.blobs().iter().filter(|blob| {
        new.blobs()
            .iter()
            .any(|other| other.digest() == blob.digest())
    }) {
        assert_eq!(
            count(&source, "GET", base.digest().as_ref()),
            1,
            "fetched by the first run only"
        );
    }
}

#[tokio::test]
async fn shared_blobs_are_sent_once_for_all_repositories() {
    let (source, target) = (registry().await, registry().await);
    let mut rows = Vec::new();
    let mut distinct = std::collections::HashSet::new();
    for number in 0..12 {
        let image = sample_image(&format!("app{number}"), number, &platforms(), 3).unwrap();
        image.push(&source, &format!("team/app{number}"), Some("v1"));
        distinct.extend(image.blobs().iter().map(|blob| blob.digest().clone()));
        let (image, name) = (
            format!("team/app{number}:v1"),
            format!("mirror/app{number}:v1"),
        );
        rows.push(row(&source, &image, &target, &name));
    }
    let report = Run::default().sync(&rows).await;
    assert_eq!(report.summary.copied, 12, "{report:#?}");
    assert_eq!(count(&source, "GET", "/blobs/"), distinct.len());
    assert_eq!(report.summary.blobs_copied, distinct.len() as u64);
    assert_eq!(
        report.summary.blobs_mounted,
        11 * 2,
        "the base of each platform"
    );
}

#[tokio::test]
async fn blobs_of_other_rows_are_mounted() {
    let (source, target) = (registry().await, registry().await);
    let old = sample_image("old", 1, &platforms(), 3).unwrap();
    let new = sample_image("new", 2, &platforms(), 3).unwrap();
    old.push(&source, "team/old", Some("v1"));
    new.push(&source, "other/new", Some("v1"));
    let old_row = row(&source, "team/old:v1", &target, "mirror/old:v1");
    Run::default().sync(std::slice::from_ref(&old_row)).await;
    let run = Run {
        other_rows: vec![old_row],
        ..Run::default()
    };
    let report = run
        .sync(&[row(&source, "other/new:v1", &target, "mirror/new:v1")])
        .await;
    assert_eq!(report.summary.blobs_mounted, 2, "{report:#?}");
}

/// An image with these layers.
fn image(layers: &[u64]) -> embedded_registry::images::Bundle {
    let layers = layers
        .iter()
        .map(|seed| Layer::random(*seed, 2_000).unwrap());
    let image = Image::new(Format::Oci, Platform::linux("amd64"));
    layers.fold(image, Image::layer).build()
}

#[tokio::test]
async fn search_for_mounts_is_bounded_and_starts_with_relatives() {
    let (source, target) = (registry().await, registry().await);
    let mut old = Vec::new();
    for number in 0..40 {
        let name = format!("app{number}");
        image(&[1_000 + number]).push(&source, &name, Some("v1"));
        old.push(row(&source, &format!("{name}:v1"), &target, &name));
    }
    Run::default().without_referrers().sync(&old).await;
    target.clear_requests();

    // A version of the last image, one that shares a layer with the second, and one without relatives.
    image(&[1_039, 2_000]).push(&source, "app39", Some("v2"));
    image(&[1_001, 2_001]).push(&source, "other", Some("v1"));
    image(&[2_002]).push(&source, "alone", Some("v1"));
    let new = ["app39:v2", "other:v1", "alone:v1"].map(|name| row(&source, name, &target, name));
    let rows: Vec<_> = old.into_iter().chain(new).collect();
    let report = Run::default().without_referrers().sync(&rows).await;
    assert_eq!(report.summary.blobs_mounted, 1, "{report:#?}");
    assert_eq!(report.summary.blobs_present, 1, "{report:#?}");
    let read = count(&target, "GET", "/manifests/");
    assert_eq!(
        read, 16,
        "the budget of the run, for blobs that no image has"
    );
}

/// The first row searches for a new blob and uses up the budget of the run. The second row starts
/// during these reads, and shares a layer with one of the images.
#[tokio::test]
async fn search_waits_for_reads_of_other_searches() {
    let (source, target) = (registry().await, registry().await);
    let from = FaultProxy::start(source.address()).await;
    let to = FaultProxy::start(target.address()).await;
    let row = |name: &str| {
        Row::new(
            format!("{}/{name}", from.host()).parse().unwrap(),
            format!("{}/{name}", to.host()).parse().unwrap(),
        )
    };
    let mut rows = Vec::new();
    for number in 0..20 {
        let name = format!("app{number}");
        image(&[1_000 + number]).push(&source, &name, Some("v1"));
        rows.push(row(&format!("{name}:v1")));
    }
    Run::default().without_referrers().sync(&rows).await;

    image(&[2_000]).push(&source, "alone", Some("v1"));
    image(&[1_012, 2_001]).push(&source, "late", Some("v1"));
    rows.extend(["alone:v1", "late:v1"].map(row));
    let wait = |ms| Action::Delay(Duration::from_millis(ms));
    to.add(Rule::new("GET", "/manifests/").does(wait(400)));
    from.add(Rule::new("GET", "/v2/late/manifests/").does(wait(200)));
    let report = Run::default().without_referrers().sync(&rows).await;
    assert_eq!(report.summary.blobs_mounted, 1, "{report:#?}");
}

#[tokio::test]
async fn blobs_are_uploaded_once_for_each_repository_when_mounts_are_refused() {
    let source = registry().await;
    let target = embedded_registry::Registry::new()
        .mounts(embedded_registry::Mounts::Refused)
        .access_log(10_000)
        .start()
        .await
        .unwrap();
    let image = sample_image("app", 1, &platforms(), 3).unwrap();
    image.push(&source, "team/app", Some("v1"));
    Run::default()
        .sync(&[row(&source, "team/app:v1", &target, "mirror/app:v1")])
        .await;
    target.clear_requests();
    source.clear_requests();
    // The same image under a new tag: only the tag is missing.
    image.push(&source, "team/app", Some("v2"));
    let report = Run::default()
        .sync(&[row(&source, "team/app:v2", &target, "mirror/app:v2")])
        .await;
    assert_eq!(report.summary.copied, 1, "{report:#?}");
    assert_eq!(report.summary.blobs_copied, 0, "{report:#?}");
    assert_eq!(count(&source, "GET", "/blobs/"), 0);
    assert_eq!(count(&target, "PUT", "/blobs/"), 0);
}

#[tokio::test]
async fn dry_run_reports_the_outcomes_and_writes_nothing() {
    let (source, target) = (registry().await, registry().await);
    let image = sample_image("app", 1, &platforms(), 2).unwrap();
    image.push(&source, "team/app", Some("v1"));
    image.push(&source, "team/app", Some("v2"));
    let rows = [
        row(&source, "team/app:v1", &target, "mirror/app:v1"),
        row(&source, "team/app:v2", &target, "mirror/app:v2"),
        row(&source, "team/app:v3", &target, "mirror/app:v3"),
    ];
    Run::default().sync(&rows[..1]).await;
    target.clear_requests();
    let mut run = Run::default();
    run.options.dry_run = true;
    let report = run.sync(&rows).await;
    let statuses: Vec<_> = report
        .rows
        .iter()
        .map(|outcome| outcome.status.as_str())
        .collect();
    assert_eq!(statuses, ["unchanged", "copied", "failed"]);
    assert!(
        target
            .requests()
            .iter()
            .all(|request| request.method == "HEAD")
    );
}
