//! Sources with a pull quota, as Docker Hub's.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use copier::{Options, Report, RowError, Status};
use embedded_registry::RunningRegistry;
use embedded_registry::images::{Platform, sample_image};
use http::request::Parts;
use registry_client::{Client, Error};
use testkit::proxy::{Action, FaultProxy, Rule};

use super::run::{Run, count, registry, row};

/// Returns a proxy that allows `quota` pulls in six hours, then sends 429 without `Retry-After`.
async fn limited(source: &RunningRegistry, quota: usize) -> FaultProxy {
    let proxy = FaultProxy::start(source.address()).await;
    let left = |left: usize| Action::SetHeader("ratelimit-remaining", format!("{left};w=21600"));
    proxy.add(Rule::new("HEAD", "/manifests/").first(1).does(left(quota)));
    for number in 1..=quota {
        let pull = Rule::new("GET", "/manifests/").nth(number);
        proxy.add(pull.does(left(quota - number)));
    }
    let pulls = AtomicUsize::new(0);
    let is_beyond = move |_: &Parts| pulls.fetch_add(1, Ordering::Relaxed) >= quota;
    let refused = Action::answer(429).header("ratelimit-remaining", "0;w=21600");
    let rule = Rule::new("GET", "/manifests/").when(is_beyond);
    proxy.add(rule.does(refused));
    proxy
}

fn rows(source: &str, target: &RunningRegistry, count: usize) -> Vec<copier::Row> {
    let row = |number| {
        copier::Row::new(
            format!("{source}/app{number}:v1").parse().unwrap(),
            format!("{}/app{number}:v1", target.host()).parse().unwrap(),
        )
    };
    (0..count).map(row).collect()
}

async fn push_images(source: &RunningRegistry, count: u64, platforms: &[Platform]) {
    for number in 0..count {
        let image = sample_image(&format!("app{number}"), number, platforms, 1).unwrap();
        image.push(source, &format!("app{number}"), Some("v1"));
    }
}

fn with_status(report: &Report, status: Status) -> usize {
    let rows = report.rows.iter();
    rows.filter(|outcome| outcome.status == status).count()
}

#[tokio::test]
async fn rows_beyond_the_quota_fail_at_once_and_the_next_run_copies_them() {
    let (source, target) = (registry().await, registry().await);
    push_images(&source, 200, &[Platform::linux("amd64")]).await;
    let proxy = limited(&source, 300).await;
    // Each is an index with an image and its attestation: three pulls.
    let rows = rows(&proxy.host(), &target, 200);
    let started = Instant::now();
    let report = Run::default().without_referrers().sync(&rows).await;
    assert!(
        started.elapsed() < Duration::from_secs(120),
        "waits for the quota"
    );
    let (copied, failed) = (
        with_status(&report, Status::Copied),
        with_status(&report, Status::Failed),
    );
    assert_eq!(copied + failed, 200, "{report:#?}");
    assert!((99..=100).contains(&copied), "{copied} of 100 images");
    let error = |outcome: &copier::Outcome| outcome.error.clone();
    for error in report.rows.iter().filter_map(error) {
        let is_quota = matches!(*error, RowError::Read(Error::QuotaExhausted { .. }));
        assert!(is_quota, "{error}");
    }
    let refused = proxy.requests();
    let refused = refused
        .iter()
        .filter(|request| request.status() == Some(429));
    assert_eq!(refused.count(), 0, "no pull is sent when nothing is left");

    let uploads = count(&target, "PUT", "/manifests/v1");
    assert_eq!(uploads, copied);
    proxy.clear_rules();
    let report = Run::default().without_referrers().sync(&rows).await;
    assert_eq!(with_status(&report, Status::Unchanged), copied);
    assert_eq!(with_status(&report, Status::Copied), failed, "{report:#?}");
    assert_eq!(count(&target, "PUT", "/manifests/v1"), 200, "nothing twice");
}

#[tokio::test]
async fn pull_that_is_refused_without_a_pause_is_not_repeated() {
    let (source, target) = (registry().await, registry().await);
    push_images(&source, 1, &[Platform::linux("amd64")]).await;
    let proxy = limited(&source, 0).await;
    // The quota is not known before.
    proxy.clear_rules();
    let refused = Action::answer(429).header("ratelimit-remaining", "0;w=21600");
    proxy.add(Rule::new("GET", "/manifests/").does(refused));
    let rows = rows(&proxy.host(), &target, 1);
    let report = Run::default().sync(&rows).await;
    let error = report.rows[0].error.as_ref().unwrap();
    assert!(
        error.to_string().contains("0 pulls left per 6 h"),
        "{error}"
    );
    assert_eq!(proxy.count("GET", "/manifests/"), 1);
}

#[tokio::test]
async fn rows_beyond_the_maximum_of_a_run_are_skipped_with_the_reason() {
    let (source, target) = (registry().await, registry().await);
    push_images(&source, 6, &[Platform::linux("amd64")]).await;
    let rows = rows(&source.host(), &target, 6);
    let max_pulls = [(source.host(), 6)].into_iter().collect();
    let client = Client::builder().max_pulls(max_pulls).build();
    let report = Run::default()
        .without_referrers()
        .sync_by(&client, &rows)
        .await;
    let copied = with_status(&report, Status::Copied);
    assert!((1..=2).contains(&copied), "three pulls each: {report:#?}");
    assert_eq!(with_status(&report, Status::Skipped), 6 - copied);
    assert_eq!(report.summary.failed, 0);
    let skipped = report
        .rows
        .iter()
        .filter(|row| row.status == Status::Skipped);
    for outcome in skipped {
        let error = outcome.error.as_ref().unwrap().to_string();
        assert!(error.contains("the maximum of 6 pulls"), "{error}");
    }
    assert!(count(&source, "GET", "/manifests/") <= 6);
    let pulls = client.pulls();
    assert_eq!((pulls.len(), pulls[0].max), (1, Some(6)), "{pulls:?}");
}

#[tokio::test]
async fn trusted_lock_asks_no_source_for_unchanged_rows() {
    let (source, target) = (registry().await, registry().await);
    push_images(&source, 20, &[Platform::linux("amd64")]).await;
    let names = (0..20).map(|number| format!("app{number}:v1"));
    let mut rows: Vec<_> = names
        .map(|name| row(&source, &name, &target, &name))
        .collect();
    let report = Run::default().sync(&rows).await;
    for (row, outcome) in rows.iter_mut().zip(report.rows) {
        row.approved = outcome.digest.map(copier::Approval::from).map(Box::new);
    }
    // One row is missing, and one of the others is there twice.
    target.remove_tag("app3", "v1");
    rows.push(rows[0].clone());
    source.clear_requests();
    target.clear_requests();
    let run = Run {
        options: Options {
            trust_lock: true,
            ..Options::default()
        },
        ..Run::default()
    };
    let report = Arc::new(run.sync(&rows).await);
    assert_eq!(with_status(&report, Status::Unchanged), 20, "{report:#?}");
    assert_eq!(report.summary.copied, 1);
    let requests = source.requests();
    let others = requests
        .iter()
        .filter(|each| !each.path.starts_with("/v2/app3/"));
    assert_eq!(others.count(), 0);
    let heads = count(&target, "HEAD", "/manifests/v1");
    assert_eq!(heads, 20, "one for each destination");
}
