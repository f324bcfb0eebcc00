//! A source registry with images of several kinds, and readers of archives that know nothing of `mirror`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use embedded_registry::images::{
    Artifact, Bundle, Content, Format, Image, Index, Layer, Platform, digest_tag, sample_image,
};
use embedded_registry::{Registry, RunningRegistry, digest_of};
use serde_json::Value;

use crate::environment::TestEnvironment;

/// The destination of every row. Nothing listens there: an export does not need it.
pub(super) const DESTINATION: &str = "registry.example.com/mirror";

/// A registry, and a list of its images.
pub(super) struct Source {
    pub(super) registry: RunningRegistry,
    pub(super) environment: TestEnvironment,
}

impl Source {
    /// Starts a registry with a multi-platform image that has a signature and an SBOM, an image that shares
    /// its layers, an artifact, and an image with a foreign layer.
    pub(super) async fn start() -> Self {
        let registry = Registry::new().access_log(100_000).start().await.unwrap();
        let image = multi_platform();
        image.push(&registry, "app", Some("1"));
        image.push(&registry, "app", Some("latest"));
        signature(&image).push(
            &registry,
            "app",
            Some(&digest_tag(image.digest(), Some("sig"))),
        );
        sbom(&image).push(&registry, "app", None);
        sample_image("b", 2, &[Platform::linux("amd64")], 2)
            .unwrap()
            .push(&registry, "single", Some("2"));
        let chart = Artifact::image("application/vnd.cncf.helm.config.v1+json", "{}");
        let chart = chart.blob(
            "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
            "chart",
        );
        chart.build().push(&registry, "chart", Some("1.0.0"));
        foreign_image().push(&registry, "windows", Some("ltsc"));
        let environment = TestEnvironment::new();
        let source = Self {
            registry,
            environment,
        };
        source.write_list(&[
            ("app", "1"),
            ("app", "latest"),
            ("chart", "1.0.0"),
            ("single", "2"),
            ("windows", "ltsc"),
        ]);
        source
    }

    /// Writes the list with these repositories and tags.
    pub(super) fn write_list(&self, rows: &[(&str, &str)]) {
        let host = self.registry.host();
        let lines = rows
            .iter()
            .map(|(name, tag)| format!("{host}/{name} {DESTINATION}/{name} {tag}\n"));
        self.environment
            .write("images-list", lines.collect::<String>());
    }

    /// Returns the number of blobs that were downloaded so far.
    pub(super) fn downloads(&self) -> usize {
        let requests = self.registry.requests().into_iter();
        let blobs =
            requests.filter(|request| request.method == "GET" && request.path.contains("/blobs/"));
        blobs.count()
    }
}

pub(super) fn multi_platform() -> Bundle {
    let platforms = [Platform::linux("amd64"), Platform::linux("arm64")];
    sample_image("a", 1, &platforms, 2).unwrap()
}

pub(super) fn signature(image: &Bundle) -> Bundle {
    Artifact::cosign_signature(image.digest()).build()
}

pub(super) fn sbom(image: &Bundle) -> Bundle {
    Artifact::new("application/spdx+json")
        .subject(image)
        .blob("application/spdx+json", "{\"sbom\": true}")
        .build()
}

/// Returns an index with one image whose first layer stays at its publisher.
fn foreign_image() -> Bundle {
    let layer = Layer::random(9, 3_000).unwrap();
    let foreign = layer.foreign("https://publisher.example.com/layer");
    let image = Image::new(Format::Docker, Platform::linux("amd64"));
    let image = image
        .layer(foreign)
        .layer(Layer::random(10, 3_000).unwrap())
        .build();
    Index::new(Format::Docker).child(image).build()
}

/// Returns the files of an archive by their paths, unpacked by tar(1).
pub(super) fn unpack(archive: &Path) -> BTreeMap<String, Vec<u8>> {
    let directory = tempfile::tempdir().unwrap();
    let mut command = Command::new("tar");
    command.arg("-xf").arg(archive).arg("-C");
    let status = command.arg(directory.path()).status().unwrap();
    assert!(status.success(), "tar cannot read {}", archive.display());
    files_below(directory.path())
}

/// Returns the files below a directory by their paths.
pub(super) fn files_below(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut pending = vec![directory.to_owned()];
    while let Some(parent) = pending.pop() {
        for entry in fs::read_dir(parent).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                pending.push(path);
                continue;
            }
            let name = path.strip_prefix(directory).unwrap().display().to_string();
            files.insert(name, fs::read(&path).unwrap());
        }
    }
    files
}

/// Asserts that `mirror.json` lists every other file with digest and size, and that blobs have their names.
pub(super) fn assert_consistent(files: &BTreeMap<String, Vec<u8>>) -> Value {
    let contents: Value = serde_json::from_slice(&files["mirror.json"]).unwrap();
    let members = contents["members"].as_array().unwrap();
    assert_eq!(members.len() + 1, files.len(), "{:?}", files.keys());
    for member in members {
        let path = member["path"].as_str().unwrap();
        let bytes = &files[path];
        assert_eq!(member["size"], bytes.len() as u64, "{path}");
        assert_eq!(member["digest"], digest_of(bytes).as_ref(), "{path}");
        if let Some((_, hex)) = path.split_once("blobs/sha256/") {
            assert_eq!(member["digest"], format!("sha256:{hex}"));
        }
    }
    contents
}

/// Returns a manifest of the files.
pub(super) fn manifest(files: &BTreeMap<String, Vec<u8>>, content: &Content) -> Value {
    let hex = content.digest().digest();
    serde_json::from_slice(&files[&format!("blobs/sha256/{hex}")]).unwrap()
}
