//! Tar archives with an image layout.

use std::fs::File;

use embedded_registry::images::Artifact;
use serde_json::Value;

use super::{assert_signed_image, registry_with_signed_image};
use crate::environment::{TestEnvironment, registry_with, small_image};

/// Returns a document of an archive.
fn document(environment: &TestEnvironment, archive: &str, path: &str) -> Option<Value> {
    let mut archive = tar::Archive::new(File::open(environment.path(archive)).unwrap());
    let mut entries = archive.entries().unwrap().map(Result::unwrap);
    let entry = entries.find(|entry| entry.path().unwrap().to_str() == Some(path))?;
    Some(serde_json::from_reader(entry).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn image_comes_back_from_an_archive_with_its_digest_and_signatures() {
    let (source, image) = registry_with_signed_image().await;
    let destination = registry_with(&[]).await;
    let environment = TestEnvironment::new();
    let (from, to) = (source.host(), destination.host());
    for (number, file) in [
        "oci-archive:a.tar:r.io/app:v1",
        "docker-archive:b.tar:r.io/app:v1",
    ]
    .into_iter()
    .enumerate()
    {
        environment
            .mirror(&format!("copy {from}/app:v1 {file}"))
            .exits(0);
        let repository = format!("copy{number}");
        // The name gives the tag.
        environment
            .mirror(&format!("copy {file} {to}/{repository}"))
            .exits(0);
        assert_signed_image(&destination, &repository, "v1", &image).await;
        let digest = environment.mirror(&format!("digest {file}")).exits(0);
        assert_eq!(digest.stdout.trim(), image.digest().as_ref());
    }
    let same = environment
        .mirror("diff oci-archive:a.tar docker-archive:b.tar:r.io/app:v1")
        .exits(0);
    assert!(same.stdout.contains("the same"), "{same:?}");
    // containerd takes every name for an image, so the signature has none.
    let index = document(&environment, "a.tar", "index.json").unwrap();
    let key = "io.containerd.image.name";
    let entries = index["manifests"].as_array().unwrap();
    let named = entries
        .iter()
        .filter(|entry| entry["annotations"]["org.opencontainers.image.ref.name"].is_string());
    assert_eq!((entries.len(), named.count()), (3, 1));
    assert_eq!(entries[0]["annotations"][key], "r.io/app:v1");
    let manifest = document(&environment, "a.tar", "manifest.json").unwrap();
    assert_eq!(manifest[0]["RepoTags"], serde_json::json!(["r.io/app:v1"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn archive_is_replaced_only_by_a_whole_one() {
    let registry = registry_with(&["app:v1"]).await;
    small_image(2).push(&registry, "app", Some("v2"));
    let artifact = Artifact::new("application/x-chart").build();
    artifact.push(&registry, "app", Some("chart"));
    let host = registry.host();
    let environment = TestEnvironment::new();
    environment
        .mirror(&format!("copy {host}/app:v1 docker-archive:a.tar:app:v1"))
        .exits(0);
    let before = std::fs::read(environment.path("a.tar")).unwrap();
    let refused = environment
        .mirror(&format!(
            "copy {host}/app:chart docker-archive:a.tar:app:v1"
        ))
        .exits(3);
    assert!(
        refused.stdout.contains("an artifact and no image"),
        "{refused:?}"
    );
    let missing = environment
        .mirror(&format!("copy {host}/app:v3 oci-archive:a.tar:app:v1"))
        .exits(3);
    assert!(missing.stdout.contains("does not exist"), "{missing:?}");
    let layer = small_image(2)
        .blobs()
        .into_iter()
        .max_by_key(|blob| blob.bytes().len())
        .unwrap()
        .digest()
        .to_string();
    environment
        .mirror(&format!("copy {host}/app:v2 oci:layout:v2"))
        .exits(0);
    std::fs::remove_file(environment.path(&format!("layout/blobs/{}", layer.replace(':', "/"))))
        .unwrap();
    environment
        .mirror("copy oci:layout:v2 oci-archive:a.tar:v2")
        .exits(3);
    assert_eq!(std::fs::read(environment.path("a.tar")).unwrap(), before);
    assert_eq!(
        environment.file_names(),
        ["a.tar", "layout"],
        "no temporary file is left"
    );
    // An artifact has a place in a layout.
    environment
        .mirror(&format!("copy {host}/app:chart oci-archive:a.tar:chart"))
        .exits(0);
    assert!(document(&environment, "a.tar", "manifest.json").is_none());
    environment
        .mirror(&format!("copy oci-archive:a.tar {host}/charts:1"))
        .exits(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn platforms_are_selected_and_named() {
    let (registry, image) = registry_with_signed_image().await;
    let host = registry.host();
    let environment = TestEnvironment::new();
    let whole = environment
        .mirror(&format!("copy {host}/app:v1 docker-archive:a.tar:app:v1"))
        .exits(0);
    assert!(
        whole
            .stdout
            .contains("podman and docker load linux/amd64 of it"),
        "{whole:?}"
    );
    let narrowed = environment
        .mirror(&format!(
            "copy {host}/app:v1 docker-archive:a.tar:app:v1 --platform arm64 --no-referrers"
        ))
        .exits(0);
    assert!(!narrowed.stdout.contains("podman"), "{narrowed:?}");
    let manifest = document(&environment, "a.tar", "manifest.json").unwrap();
    let config = manifest[0]["Config"].as_str().unwrap().replace('/', ":");
    let config = config.strip_prefix("blobs:").unwrap();
    let index: Value = serde_json::from_slice(image.root().bytes()).unwrap();
    let arm64 = index["manifests"]
        .as_array()
        .unwrap()
        .iter()
        .find(|child| child["platform"]["architecture"] == "arm64")
        .unwrap();
    let arm64 = environment
        .mirror(&format!(
            "inspect {host}/app@{} --raw",
            arm64["digest"].as_str().unwrap()
        ))
        .exits(0);
    let arm64: Value = serde_json::from_str(&arm64.stdout).unwrap();
    assert_eq!(arm64["config"]["digest"], config);
}
