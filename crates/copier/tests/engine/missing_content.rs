//! Destinations that lack content which they report, or which a manifest there names.

use embedded_registry::images::{Bundle, Format, Image, Index, Layer, Platform};
use embedded_registry::{Blobs, Mounts, Registry, RunningRegistry};
use testkit::processes::{Distribution, Version};
use testkit::proxy::{Action, FaultProxy, Rule};
use testkit::push::Pusher;

use super::run::{Run, registry, row};

fn layer(seed: u64) -> Layer {
    Layer::random(seed, 200_000).unwrap()
}

fn image(name: &str, layers: Vec<Layer>) -> Bundle {
    let image = Image::new(Format::Docker, Platform::linux("amd64")).label("name", name);
    layers.into_iter().fold(image, Image::layer).build()
}

fn assert_has_all(registry: &RunningRegistry, repository: &str, image: &Bundle) {
    for blob in image.blobs() {
        let stored = registry.blob(repository, blob.digest());
        assert!(stored.is_some(), "{repository} lacks {}", blob.digest());
    }
}

/// A registry that does not check manifests has an image with a foreign layer, and has lost the
/// other blobs. Another image has the same layers as ordinary ones.
#[tokio::test]
async fn blob_that_a_manifest_names_is_not_taken_for_present() {
    for mounts in [Mounts::Granted, Mounts::Refused] {
        for name in ["app", "other"] {
            let source = registry().await;
            let target = Registry::new().blobs(Blobs::Optional).mounts(mounts);
            let target = target.access_log(1_000).start().await.unwrap();
            let foreign = layer(1).foreign("https://example.com/base.tar.gz");
            let old = image("old", vec![foreign, layer(2)]);
            old.push(&source, "app", Some("v1"));
            let new = image("new", vec![layer(1), layer(2)]);
            new.push(&source, "app", Some("v2"));
            let rows = [
                row(&source, "app:v1", &target, "app:v1"),
                row(&source, "app:v2", &target, &format!("{name}:v2")),
            ];
            Run::default().sync(&rows[..1]).await;
            for blob in old.blobs() {
                assert!(target.remove_blob("app", blob.digest()));
            }
            let report = Run::default().sync(&rows).await;
            assert_eq!(report.summary.copied, 1, "{report:#?}");
            assert_has_all(&target, name, &new);
        }
    }
}

/// A registry that reports content which it lacks.
struct Lie {
    name: &'static str,
    /// The rules of the destination.
    rules: Vec<Rule>,
}

fn lies(child: &str) -> Vec<Lie> {
    let unannounced = || Action::Flood {
        bytes: 0,
        announced: false,
    };
    let mount = || Rule::new("POST", "mount=");
    let present = Action::answer(200).header("docker-content-digest", child);
    vec![
        Lie {
            name: "mount",
            rules: vec![mount().does(Action::answer(201).header("location", "/"))],
        },
        Lie {
            name: "HEAD of a blob",
            rules: vec![
                mount().does(Action::answer(405)),
                Rule::new("HEAD", "/blobs/").does(unannounced()),
            ],
        },
        Lie {
            name: "HEAD of a child",
            rules: vec![Rule::new("HEAD", child).first(1).does(present)],
        },
        Lie {
            name: "end of an upload",
            rules: vec![
                Rule::new("PUT", "/uploads/")
                    .nth(1)
                    .does(Action::answer(201)),
            ],
        },
    ]
}

#[tokio::test]
async fn content_that_a_registry_reports_and_lacks_is_sent_again() {
    let child = image("child", vec![layer(1), layer(2)]);
    let root = Index::new(Format::Docker).child(child.clone()).build();
    let old = image("old", vec![layer(1)]);
    for version in [Version::V2, Version::V3] {
        for lie in lies(child.digest().as_ref()) {
            let source = registry().await;
            root.push(&source, "app", Some("v1"));
            old.push(&source, "base", Some("v1"));
            let target = Distribution::new().version(version).start().await;
            let proxy = FaultProxy::start(target.address()).await;
            let pusher = Pusher::new(&target.host());
            // The old image of the tag, so that the children are queried.
            pusher.bundle(&old, "app", Some("v1")).await;
            pusher.bundle(&old, "base", Some("v1")).await;
            for rule in lie.rules {
                proxy.add(rule);
            }
            let row = |name: &str| {
                copier::Row::new(
                    format!("{}/{name}", source.host()).parse().unwrap(),
                    format!("{}/{name}", proxy.host()).parse().unwrap(),
                )
            };
            let report = Run::default().sync(&[row("base:v1"), row("app:v1")]).await;
            let statuses: Vec<_> = report.rows.iter().map(|row| row.status.as_str()).collect();
            let name = lie.name;
            assert_eq!(statuses, ["unchanged", "copied"], "{name}: {report:#?}");
            let counted = &report.summary;
            let counted = counted.blobs_copied + counted.blobs_mounted + counted.blobs_present;
            assert_eq!(counted, child.blobs().len() as u64, "{name}: {report:#?}");
            let (tagged, digest) = (format!("{}/app:v1", target.host()), root.digest());
            let crane = testkit::clients::Crane::new();
            crane.validate(&tagged).await.unwrap();
            let found = crane.run(&["digest", &tagged]).await.unwrap();
            assert_eq!(String::from_utf8_lossy(&found).trim(), digest.as_ref());
        }
    }
}

/// A registry that never has the blob: the row fails after one more upload.
#[tokio::test]
async fn blob_that_is_never_stored_fails_the_row() {
    let (source, target) = (registry().await, registry().await);
    let proxy = FaultProxy::start(target.address()).await;
    image("app", vec![layer(1)]).push(&source, "app", Some("v1"));
    proxy.add(Rule::new("PUT", "/uploads/").does(Action::answer(201)));
    let row = copier::Row::new(
        format!("{}/app:v1", source.host()).parse().unwrap(),
        format!("{}/app:v1", proxy.host()).parse().unwrap(),
    );
    let report = Run::default().sync(&[row]).await;
    let error = report.rows[0].error.as_ref().unwrap().to_string();
    assert!(error.contains("MANIFEST_BLOB_UNKNOWN"), "{error}");
    assert_eq!(proxy.count("PUT", "/uploads/"), 4, "two blobs, twice");
    assert_eq!(proxy.count("PUT", "/manifests/"), 2);
    assert!(target.tagged("app", "v1").is_none());
}

/// distribution rejects foreign layers by default, version 3 with status 500.
#[tokio::test]
async fn rejected_foreign_layer_is_named_without_retries() {
    let source = registry().await;
    let foreign = layer(1).foreign("https://example.com/base.tar.gz");
    let image = image("windows", vec![foreign, layer(2)]);
    image.push(&source, "app", Some("v1"));
    let manifest: serde_json::Value = serde_json::from_slice(image.root().bytes()).unwrap();
    let digest = manifest["layers"][0]["digest"].as_str().unwrap();
    for version in [Version::V2, Version::V3] {
        let target = Distribution::new().version(version).start().await;
        let row = copier::Row::new(
            format!("{}/app:v1", source.host()).parse().unwrap(),
            format!("{}/app:v1", target.host()).parse().unwrap(),
        );
        let report = Run::default().sync(&[row]).await;
        let error = report.rows[0].error.as_ref().unwrap().to_string();
        assert!(
            error.contains(digest) && error.contains("validation.manifests.urls.allow"),
            "{version:?}: {error}"
        );
        let requests = target.requests().await;
        let is_put = |path: &str| path.contains("/manifests/");
        let puts = requests
            .iter()
            .filter(|it| it.method == "PUT" && is_put(&it.path));
        assert_eq!(puts.count(), 1, "{version:?}");
    }
}
