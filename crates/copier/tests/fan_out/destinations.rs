//! Registries that get the same image in different ways.

use copier::Status;
use embedded_registry::images::Bundle;
use testkit::proxy::{Action, Rule};
use testkit::push::Pusher;

use super::fan_out::{FanOut, MIB, image, largest, message, statuses};

async fn push_layer(world: &FanOut, registry: usize, repository: &str, image: &Bundle) {
    let layer = largest(image);
    let blobs = image.blobs();
    let layer = blobs.iter().find(|blob| blob.digest().as_ref() == layer);
    let pusher = Pusher::new(&world.direct[registry]);
    pusher
        .blob(repository, layer.unwrap().bytes().clone())
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn registries_that_have_or_mount_a_blob_do_not_read_it() {
    let world = FanOut::new().await;
    let (old, new) = (image("old", &[9 * MIB]), image("old", &[9 * MIB, 1_000]));
    world.push(&old, "old").await;
    world.push(&new, "new").await;
    let seeded = world.sync(&world.rows("old", &[1])).await;
    assert_eq!(statuses(&seeded), [Status::Copied]);
    push_layer(&world, 0, "mirror/new", &new).await;
    world.from.clear_requests();
    let mut rows = world.rows("old", &[1]);
    rows.extend(world.rows("new", &[0, 1, 2]));
    let report = world.sync(&rows).await;
    assert_eq!(report.summary.copied, 3, "{report:#?}");
    let layer = largest(&new);
    assert_eq!(world.downloads(&layer).len(), 1, "for the third registry");
    let puts = |registry: usize| {
        let requests = world.to[registry].requests().into_iter();
        let large = requests.filter(|it| it.method == "PUT" && it.sent_bytes > MIB as u64);
        large.count()
    };
    assert_eq!(
        [puts(0), puts(1), puts(2)],
        [0, 1, 1],
        "one of the first run"
    );
    for registry in 0..3 {
        world.assert_complete(registry, "new", &new).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn registry_that_needs_chunks_or_restarts_does_not_disturb_the_others() {
    let world = FanOut::new().await;
    let image = image("app", &[9 * MIB]);
    world.push(&image, "app").await;
    let is_large = |parts: &http::request::Parts| {
        let length = parts.headers.get("content-length");
        length.is_some_and(|length| length.len() > 6)
    };
    let refused = Action::answer(413);
    world.to[0].add(Rule::new("PUT", "/uploads/").when(is_large).does(refused));
    let reset = Action::ResetUpload { after: MIB as u64 };
    world.to[1].add(
        Rule::new("PUT", "/uploads/")
            .when(is_large)
            .first(1)
            .does(reset),
    );
    let report = world.sync(&world.rows("app", &[0, 1, 2])).await;
    assert_eq!(statuses(&report), [Status::Copied; 3], "{report:#?}");
    let chunks = world.to[0].requests().into_iter();
    assert!(chunks.filter(|it| it.method == "PATCH").count() > 1);
    assert_eq!(
        world.to[1].count("POST", "/uploads/"),
        4,
        "one more, and the probe"
    );
    let downloads = world.downloads(&largest(&image)).len();
    assert!((1..=3).contains(&downloads), "{downloads}");
    for registry in 0..3 {
        world.assert_complete(registry, "app", &image).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn registry_that_refuses_or_is_down_fails_its_row_only() {
    let world = FanOut::new().await;
    let image = image("app", &[3_000, 300_000, 9 * MIB]);
    world.push(&image, "app").await;
    world.to[0].add(Rule::new("POST", "/uploads/").does(Action::answer(403)));
    world.to[1].add(Rule::new("PUT", "/uploads/").does(Action::answer(403)));
    let report = world.sync(&world.rows("app", &[0, 1, 2])).await;
    let expected = [Status::Failed, Status::Failed, Status::Copied];
    assert_eq!(statuses(&report), expected, "{report:#?}");
    for (registry, outcome) in report.rows[..2].iter().enumerate() {
        let message = message(outcome);
        assert!(message.contains("403"), "{message}");
        assert!(!world.is_tagged(registry, "app").await);
    }
    world.assert_complete(2, "app", &image).await;
    for blob in image.blobs() {
        let downloads = world.downloads(blob.digest().as_ref()).len();
        assert!(
            (1..=2).contains(&downloads),
            "{downloads} of {}",
            blob.digest()
        );
    }

    world.to[0].clear_rules();
    world.to[1].clear_rules();
    world.to[2].add(Rule::new("", "").does(Action::GoDown(std::time::Duration::from_secs(600))));
    let report = world.sync(&world.rows("app", &[0, 1, 2])).await;
    let expected = [Status::Copied, Status::Copied, Status::Failed];
    assert_eq!(statuses(&report), expected, "{report:#?}");
    for registry in [0, 1] {
        world.assert_complete(registry, "app", &image).await;
    }
}
