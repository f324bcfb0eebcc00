//! Registries that are slower than the others.

use std::time::Duration;

use copier::{Report, Status};
use registry_client::{Client, RetryPolicy, Timeouts};
use testkit::proxy::{Action, RecordedRequest, Rule};

use super::fan_out::{FanOut, MIB, image, largest, statuses, sync};

/// A size above that of the window and the buffers of two connections.
const LARGE: usize = 40 * MIB;

/// Returns the large upload to a registry.
fn upload(world: &FanOut, registry: usize) -> RecordedRequest {
    let requests = world.to[registry].requests().into_iter();
    let mut uploads = requests.filter(|it| it.method == "PUT" && it.sent_bytes >= MIB as u64);
    uploads.next().unwrap()
}

/// Checks that the rows of the first and the last registry end before the upload to the slow one.
fn assert_not_held(world: &FanOut, report: &Report) {
    assert_eq!(statuses(report)[0], Status::Copied, "{report:#?}");
    assert_eq!(statuses(report)[2], Status::Copied, "{report:#?}");
    let slow = upload(world, 1);
    let slow_end = slow.answered.map(|(time, _)| time);
    for registry in [0, 2] {
        let tags = world.to[registry].requests().into_iter();
        let mut tags = tags.filter(|it| it.method == "PUT" && it.path.ends_with("/manifests/1"));
        let tagged = tags.next().unwrap().arrived;
        assert!(slow_end.is_none_or(|end| tagged < end), "{registry} waits");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_registry_continues_with_a_read_of_its_own() {
    let world = FanOut::new().await;
    let image = image("app", &[LARGE]);
    world.push(&image, "app").await;
    let slow = Action::SlowUpload {
        per_second: 4 * MIB as u64,
    };
    world.to[1].add(Rule::new("PUT", "/uploads/").does(slow));
    let report = world.sync(&world.rows("app", &[0, 1, 2])).await;
    assert_eq!(statuses(&report), [Status::Copied; 3], "{report:#?}");
    assert_not_held(&world, &report);
    let downloads = world.downloads(&largest(&image));
    let ranges: Vec<_> = downloads.iter().map(|it| it.header("range")).collect();
    assert!(ranges.len() >= 2, "{ranges:?}");
    assert!(ranges[0].is_none(), "{ranges:?}");
    assert!(ranges[1..].iter().all(Option::is_some), "{ranges:?}");
    world.assert_complete(1, "app", &image).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stalled_registry_fails_its_row_only() {
    let world = FanOut::new().await;
    let image = image("app", &[LARGE, 500_000]);
    world.push(&image, "app").await;
    let stall = Action::StallUpload { after: MIB as u64 };
    world.to[1].add(Rule::new("PUT", "/uploads/").does(stall));
    let client = Client::builder()
        .timeouts(Timeouts {
            stall: Duration::from_secs(6),
            ..Timeouts::default()
        })
        .retry_policy(RetryPolicy {
            max_attempts: 1,
            ..RetryPolicy::default()
        });
    let report = sync(&client.build(), &world.rows("app", &[0, 1, 2])).await;
    assert_not_held(&world, &report);
    assert_eq!(statuses(&report)[1], Status::Failed, "{report:#?}");
    assert!(!world.is_tagged(1, "app").await);
    world.assert_complete(0, "app", &image).await;
    world.assert_complete(2, "app", &image).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn single_permits_in_opposite_directions_do_not_wait_for_each_other() {
    let world = FanOut::new().await;
    for registry in 0..3 {
        let name = format!("app{registry}");
        let image = image(&name, &[2 * MIB, 3 * MIB, 700_000]);
        let pusher = testkit::push::Pusher::new(&world.direct[registry]);
        pusher.bundle(&image, &name, Some("1")).await;
    }
    let mut rows = Vec::new();
    for from in 0..3 {
        for to in (0..3).filter(|to| *to != from) {
            let (source, destination) = (world.to[from].host(), world.to[to].host());
            let source = format!("{source}/app{from}:1");
            let destination = format!("{destination}/mirror/app{from}:1");
            rows.push(copier::Row::new(
                source.parse().unwrap(),
                destination.parse().unwrap(),
            ));
        }
    }
    for permits in [1, 2] {
        let client = Client::builder().requests_per_host(permits).build();
        for row in &mut rows {
            let destination = row.destination.to_string();
            let destination = destination.replace("/mirror", &format!("/mirror{permits}"));
            row.destination = destination.parse().unwrap();
        }
        let run = sync(&client, &rows);
        let report = tokio::time::timeout(Duration::from_secs(60), run).await;
        let report = report.expect("transfers wait for each other");
        assert_eq!(statuses(&report), [Status::Copied; 6], "{report:#?}");
    }
}
