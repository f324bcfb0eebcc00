//! The tag watcher fails at tags with missing content and counts complete ones.

use std::time::Duration;

use embedded_registry::images::{Format, Image, Layer, Platform, sample_image};
use embedded_registry::{Children, Registry};
use testkit::clients::TagWatcher;
use testkit::processes::ReferrersRegistry;
use testkit::proxy::{Action, FaultProxy, Rule};
use testkit::push::Pusher;

#[tokio::test(flavor = "multi_thread")]
async fn tag_watcher_pulls_and_counts_complete_tags_repeatedly() {
    let registry = Registry::new().start().await.unwrap();
    let watcher = TagWatcher::start(&registry.host(), &["app", "none"]);
    let image = sample_image("a", 1, &[Platform::linux("amd64")], 2).unwrap();
    image.push(&registry, "app", Some("1"));
    tokio::time::sleep(Duration::from_millis(300)).await;
    image.push(&registry, "app", Some("2"));
    let seen = watcher.end().await.unwrap();
    assert_eq!(seen.tags, 2);
    assert!(seen.pulls > 2 && seen.rounds > 2, "{seen:?}");
    // An index, its image and the attestation; their configs and layers.
    assert_eq!(seen.manifests, 3 * seen.pulls);
    assert_eq!(seen.blobs, 5 * seen.pulls);
}

/// Starts a registry that accepts manifests before the content that they name.
#[tokio::test(flavor = "multi_thread")]
async fn tag_watcher_fails_at_missing_blobs_and_children() {
    let children = Registry::new().children(Children::Optional);
    let children = children.start().await.unwrap();
    let index = sample_image("a", 1, &[Platform::linux("amd64")], 2).unwrap();
    let root = index.root();
    children.put_manifest("app", Some("1"), root.media_type(), root.bytes().clone());
    let error = TagWatcher::start(&children.host(), &["app"]).end().await;
    let error = error.unwrap_err().stderr;
    assert!(
        error.contains("app:1 is not whole: the child sha256:"),
        "{error}"
    );

    let blobs = ReferrersRegistry::start().await;
    let image = Image::new(Format::Oci, Platform::linux("amd64"));
    let image = image.layer(Layer::random(1, 100).unwrap()).build();
    let pusher = Pusher::new(&blobs.host());
    pusher.manifest("app", "1", image.root()).await;
    let error = TagWatcher::start(&blobs.host(), &["app"]).end().await;
    let error = error.unwrap_err().stderr;
    assert!(
        error.contains("app:1 is not whole: the blob sha256:"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn tag_watcher_fails_at_a_damaged_blob() {
    let registry = Registry::new().start().await.unwrap();
    let image = sample_image("a", 1, &[Platform::linux("amd64")], 2).unwrap();
    image.push(&registry, "app", Some("1"));
    let proxy = FaultProxy::start(registry.address()).await;
    proxy.add(Rule::new("GET", "/blobs/").does(Action::FlipByte { at: 5 }));
    let error = TagWatcher::start(&proxy.host(), &["app"]).end().await;
    assert!(
        error
            .unwrap_err()
            .stderr
            .contains("is not whole: the blob sha256:")
    );
}
