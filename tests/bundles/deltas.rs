//! Bundles that require content from the destination.

use bundle::contents::{Base, Requirement};
use embedded_registry::images::{Artifact, Bundle, Platform, sample_image};
use embedded_registry::{Registry, RunningRegistry};
use image_name::Digest;

use super::TestBundle;
use super::test_bundle::Form;
use crate::environment::TestEnvironment;

/// A delta: version 2 of an image, without the layer that version 1 has too.
struct Delta {
    bundle: TestBundle,
    image: Bundle,
    /// The digest of the layer.
    shared: String,
}

fn delta(registry: &RunningRegistry, repository: &str) -> Delta {
    let platforms = [Platform::linux("amd64")];
    let old = sample_image("a", 1, &platforms, 3).unwrap();
    old.push(registry, repository, Some("v1"));
    let image = sample_image("a", 2, &platforms, 3).unwrap();
    let blobs = image.blobs();
    let shared = blobs.iter().find(|blob| old.blobs().contains(blob));
    let shared = shared.unwrap().digest().as_ref().to_owned();
    let host = registry.host();
    let mut bundle = TestBundle::new();
    let row = format!("quay.io/team/app {host}/mirror/app v2");
    bundle.add_image(&row, &image, &[], &[]);
    bundle.require(&shared, &[&format!("{host}/{repository}")]);
    bundle.contents.bases.push(Base {
        name: "inventory.json".to_owned(),
        digest: format!("sha256:{}", &"0123456789".repeat(7)[..64])
            .parse()
            .unwrap(),
    });
    Delta {
        bundle,
        image,
        shared,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn required_blob_is_mounted_from_where_it_is() {
    for repository in ["mirror/app", "mirror/other"] {
        let registry = Registry::new().start().await.unwrap();
        let environment = TestEnvironment::new();
        let delta = delta(&registry, repository);
        delta.bundle.write(&environment, Form::Archive);
        environment.mirror("bundle verify bundle").exits(0);
        let report = environment
            .mirror("import bundle --output json")
            .exits(0)
            .json();
        assert_eq!(report["summary"]["copied"], 1, "{report}");
        assert_eq!(report["bundle"]["requires"], 1, "{report}");
        let tagged = registry.tagged("mirror/app", "v2").unwrap();
        assert_eq!(tagged.digest, *delta.image.digest());
        let shared = delta.shared.parse().unwrap();
        assert!(
            registry.blob("mirror/app", &shared).is_some(),
            "{repository}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_requirement_refuses_the_import_before_anything_is_written() {
    let registry = Registry::new().access_log(10_000).start().await.unwrap();
    let environment = TestEnvironment::new();
    let delta = delta(&registry, "mirror/other");
    let shared: Digest = delta.shared.parse().unwrap();
    let removed = registry.remove_blob("mirror/other", &shared.as_str().parse().unwrap());
    assert!(removed);
    delta.bundle.write(&environment, Form::Archive);
    registry.clear_requests();
    let refused = environment.mirror("import bundle").exits(1);
    for part in [
        &delta.shared,
        "mirror/other",
        "base: inventory.json, 012345678901)",
        &format!("needed by {}/mirror/app:v2", registry.host()),
        "nothing was written",
    ] {
        assert!(refused.stderr.contains(part), "{part}: {}", refused.stderr);
    }
    let writes = registry
        .requests()
        .into_iter()
        .filter(|request| !["GET", "HEAD"].contains(&request.method.as_str()));
    assert_eq!(writes.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn requirement_of_images_that_are_not_selected_does_not_matter() {
    let registry = Registry::new().start().await.unwrap();
    let environment = TestEnvironment::new();
    let mut delta = delta(&registry, "mirror/other");
    let shared: Digest = delta.shared.parse().unwrap();
    registry.remove_blob("mirror/other", &shared.as_str().parse().unwrap());
    let whole = Artifact::new("application/x").blob("x/y", "z").build();
    let row = format!("quay.io/team/whole {}/mirror/whole v1", registry.host());
    delta.bundle.add_image(&row, &whole, &[], &[]);
    delta.bundle.write(&environment, Form::Archive);
    environment.mirror("import bundle").exits(1);
    assert!(registry.tagged("mirror/whole", "v1").is_none());
    environment
        .mirror("import bundle --match quay.io/team/whole")
        .exits(0);
    assert!(registry.tagged("mirror/whole", "v1").is_some());
    assert!(registry.tagged("mirror/app", "v2").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn manifest_that_is_required_gets_another_tag() {
    let registry = Registry::new().start().await.unwrap();
    let environment = TestEnvironment::new();
    let image = sample_image("a", 1, &[Platform::linux("amd64")], 2).unwrap();
    image.push(&registry, "mirror/app", Some("v1"));
    let host = registry.host();
    let mut bundle = TestBundle::new();
    bundle.add_image(
        &format!("quay.io/team/app {host}/mirror/app latest"),
        &image,
        &[],
        &[],
    );
    let repository = format!("{host}/mirror/app");
    // It stands for everything under it.
    bundle.keep_documents();
    bundle.contents.requires.push(Requirement {
        digest: image.digest().as_ref().parse().unwrap(),
        size: image.root().bytes().len() as u64,
        media_type: Some(image.root().media_type().to_owned()),
        repositories: vec![repository.parse().unwrap()],
        base: "inventory.json".into(),
    });
    bundle.write(&environment, Form::Archive);
    environment.mirror("import bundle").exits(0);
    let tagged = registry.tagged("mirror/app", "latest").unwrap();
    assert_eq!(tagged.digest, *image.digest());
}
