//! The requests to the source, and its faults.

use std::collections::BTreeSet;

use copier::Status;
use testkit::proxy::{Action, Rule};

use super::fan_out::{
    FanOut, MIB, SourceRequests, image, index, largest, message, signature, statuses,
};

/// Checks that the source received the same requests and sent the same bytes.
fn assert_same(one: &SourceRequests, three: &SourceRequests) {
    let keys: BTreeSet<_> = one.keys().chain(three.keys()).collect();
    for key in keys {
        assert_eq!(one.get(key), three.get(key), "{key:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn three_registries_cost_the_source_the_requests_of_one() {
    let world = FanOut::new().await;
    for name in ["one", "two"] {
        let image = index("app");
        world.push(&image, name).await;
        let (signature, tag) = signature(&image);
        world.pusher.bundle(&signature, name, Some(&tag)).await;
    }
    let report = world.sync(&world.rows("one", &[0])).await;
    assert_eq!(statuses(&report), [Status::Copied], "{report:#?}");
    let one = world.take_source_requests();
    let report = world.sync(&world.rows("two", &[0, 1, 2])).await;
    assert_eq!(statuses(&report), [Status::Copied; 3], "{report:#?}");
    let three = world.take_source_requests();
    let renamed = one.into_iter().map(|((method, path), bytes)| {
        let path = path.replace("/one/", "/two/");
        ((method, path), bytes)
    });
    assert_same(&renamed.collect(), &three);
    for registry in 0..3 {
        world.assert_complete(registry, "two", &index("app")).await;
    }

    let report = world.sync(&world.rows("two", &[0, 1, 2])).await;
    assert_eq!(statuses(&report), [Status::Unchanged; 3], "{report:#?}");
    let again = world.take_source_requests();
    let blobs = again.keys().filter(|(_, path)| path.contains("/blobs/"));
    assert_eq!(blobs.count(), 0, "{again:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_images_cost_the_source_the_requests_of_one_registry() {
    let world = FanOut::new().await;
    let names: Vec<_> = (0..8).map(|number| format!("app{number}")).collect();
    for name in &names {
        world.push(&image(name, &[3_000, 700_000]), name).await;
    }
    let rows: Vec<_> = names
        .iter()
        .flat_map(|name| world.rows(name, &[0]))
        .collect();
    let report = world.sync(&rows).await;
    assert_eq!(report.summary.copied, 8, "{report:#?}");
    let one = world.take_source_requests();
    // Another path, at which the registries have no content.
    let mut rows: Vec<_> = names
        .iter()
        .flat_map(|name| world.rows(name, &[0, 1, 2]))
        .collect();
    for row in &mut rows {
        let destination = row.destination.to_string().replace("/mirror/", "/again/");
        row.destination = destination.parse().unwrap();
    }
    let report = world.sync(&rows).await;
    assert_eq!(report.summary.copied, 24, "{report:#?}");
    assert_same(&one, &world.take_source_requests());
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_download_is_resumed_once_for_all_registries() {
    let world = FanOut::new().await;
    // Less than a window, so that no registry can fall behind.
    let image = image("app", &[3 * MIB]);
    world.push(&image, "app").await;
    let layer = largest(&image);
    let truncate = Action::Truncate { after: MIB as u64 };
    world
        .from
        .add(Rule::new("GET", &layer).first(1).does(truncate));
    let report = world.sync(&world.rows("app", &[0, 1, 2])).await;
    assert_eq!(statuses(&report), [Status::Copied; 3], "{report:#?}");
    let downloads = world.downloads(&layer);
    let ranges: Vec<_> = downloads.iter().map(|it| it.header("range")).collect();
    assert_eq!(ranges.len(), 2, "{ranges:?}");
    assert!(ranges[0].is_none() && ranges[1].is_some(), "{ranges:?}");
    for registry in 0..3 {
        world.assert_complete(registry, "app", &image).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_content_reaches_no_registry() {
    let world = FanOut::new().await;
    for (name, size) in [("small", 3_000), ("streamed", 6 * MIB)] {
        let image = image(name, &[size]);
        world.push(&image, name).await;
        let layer = largest(&image);
        let flip = Action::FlipByte {
            at: size as u64 / 2,
        };
        world.from.add(Rule::new("GET", &layer).does(flip));
        let report = world.sync(&world.rows(name, &[0, 1, 2])).await;
        assert_eq!(
            statuses(&report),
            [Status::Failed; 3],
            "{name}: {report:#?}"
        );
        for (registry, outcome) in report.rows.iter().enumerate() {
            let message = message(outcome);
            assert!(message.contains("digest"), "{name}: {message}");
            assert!(!world.is_tagged(registry, name).await, "{name}");
            let puts = world.to[registry].requests().into_iter();
            let mut puts = puts.filter(|it| it.method == "PUT" && it.query.contains(&layer[7..]));
            assert!(puts.all(|put| put.status() != Some(201)), "{name}");
        }
        // A registry that needs the layer after the failure of the others reads it again.
        assert!((1..=3).contains(&world.downloads(&layer).len()), "{name}");
    }
}
