//! Archives as `docker save` before version 25 and podman write them.

use std::io::Write;

use embedded_registry::digest_of;
use serde_json::{Value, json};

use crate::environment::{TestEnvironment, registry_with};

/// A tar archive that a test writes.
pub(super) struct Archive(tar::Builder<Vec<u8>>);

impl Archive {
    pub(super) fn new() -> Self {
        Self(tar::Builder::new(Vec::new()))
    }

    pub(super) fn file(mut self, path: &str, content: &[u8]) -> Self {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        self.0.append_data(&mut header, path, content).unwrap();
        self
    }

    pub(super) fn symlink(mut self, path: &str, target: &str) -> Self {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        self.0.append_link(&mut header, path, target).unwrap();
        self
    }

    pub(super) fn bytes(self) -> Vec<u8> {
        self.0.into_inner().unwrap()
    }
}

fn layer(name: &str) -> Vec<u8> {
    Archive::new()
        .file(name, name.repeat(2000).as_bytes())
        .bytes()
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn config(layers: &[&[u8]]) -> Vec<u8> {
    let diff_ids: Vec<_> = layers
        .iter()
        .map(|layer| digest_of(layer).to_string())
        .collect();
    let config = json!({
        "architecture": "amd64", "os": "linux", "config": {},
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
    });
    config.to_string().into_bytes()
}

/// Returns an archive with the layers of an image as `docker save` 20.10 writes it: a directory for each
/// layer, and a link for one that is there already.
fn legacy_archive() -> Vec<u8> {
    let (one, two) = (layer("one"), layer("two"));
    let config = config(&[&one, &two, &one]);
    let name = format!(
        "{}.json",
        digest_of(&config).as_ref().trim_start_matches("sha256:")
    );
    let manifest = json!([
        {"Config": name, "RepoTags": ["app:v1", "q.io/team/app:v2"], "Layers": ["a/layer.tar", "b/layer.tar", "c/layer.tar"]},
    ]);
    Archive::new()
        .file(&name, &config)
        .file("a/VERSION", b"1.0")
        .file("a/layer.tar", &one)
        .file("b/layer.tar", &two)
        .symlink("c/layer.tar", "../a/layer.tar")
        .file("manifest.json", manifest.to_string().as_bytes())
        .file("repositories", b"{}")
        .bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn legacy_archive_becomes_an_image_with_the_same_config() {
    let registry = registry_with(&[]).await;
    let host = registry.host();
    let environment = TestEnvironment::new();
    environment.write("a.tar", legacy_archive());
    environment.write("a.tar.gz", gzip(&legacy_archive()));
    let first = environment
        .mirror("digest docker-archive:a.tar")
        .exits(0)
        .stdout;
    for (source, tag) in [
        ("docker-archive:a.tar", "v1"),
        ("docker-archive:a.tar:q.io/team/app:v2", "v2"),
        ("docker-archive:a.tar:@0", "v1"),
        ("docker-archive:a.tar.gz:app:v1", "v1"),
    ] {
        environment
            .mirror(&format!("copy {source} {host}/app"))
            .exits(0);
        let copied = environment
            .mirror(&format!("digest {host}/app:{tag}"))
            .exits(0)
            .stdout;
        assert_eq!(copied, first, "{source}");
    }
    // skopeo checks the digests of all layers.
    let image = format!("docker://{host}/app:v1");
    let skopeo = testkit::program("skopeo").display().to_string();
    let read = ["copy", "-q", "--src-tls-verify=false", &image, "oci:read"];
    environment.run(&skopeo, &[&["--insecure-policy"], &read[..]].concat());
    let manifest = environment
        .mirror(&format!("inspect {host}/app:v1 --raw"))
        .exits(0)
        .stdout;
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    assert_eq!(manifest["layers"].as_array().unwrap().len(), 3);
    assert_eq!(
        manifest["layers"][0]["mediaType"],
        "application/vnd.oci.image.layer.v1.tar"
    );
    let refused = environment
        .mirror("digest docker-archive:a.tar:other")
        .exits(1);
    assert!(
        refused
            .stderr
            .contains("docker.io/library/app:v1, q.io/team/app:v2"),
        "{refused:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn compressed_layers_stay_as_they_are() {
    let registry = registry_with(&[]).await;
    let host = registry.host();
    let environment = TestEnvironment::new();
    let (one, two) = (layer("one"), layer("two"));
    let (gzipped, zipped) = (gzip(&one), zstd::encode_all(&two[..], 1).unwrap());
    let config = config(&[&one, &two]);
    let manifest = json!([{"Config": "c.json", "RepoTags": null, "Layers": ["1.tar.gz", "2.tar"]}]);
    let archive = Archive::new()
        .file("c.json", &config)
        .file("1.tar.gz", &gzipped)
        .file("2.tar", &zipped)
        .file("manifest.json", manifest.to_string().as_bytes());
    environment.write("a.tar", archive.bytes());
    environment
        .mirror(&format!("copy docker-archive:a.tar {host}/app:v1"))
        .exits(0);
    let manifest = environment
        .mirror(&format!("inspect {host}/app:v1 --raw"))
        .exits(0)
        .stdout;
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    let layers = manifest["layers"].as_array().unwrap();
    assert_eq!(layers[0]["digest"], digest_of(&gzipped).as_ref());
    assert_eq!(
        layers[0]["mediaType"],
        "application/vnd.oci.image.layer.v1.tar+gzip"
    );
    assert_eq!(
        layers[1]["mediaType"],
        "application/vnd.oci.image.layer.v1.tar+zstd"
    );
    assert_eq!(manifest["config"]["digest"], digest_of(&config).as_ref());
}
