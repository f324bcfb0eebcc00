//! The content and the forms of an archive.

use std::collections::BTreeMap;
use std::fs;
use std::process::Stdio;

use serde_json::Value;

use super::source::{
    DESTINATION, Source, assert_consistent, files_below, manifest, multi_platform, sbom, signature,
    unpack,
};
use crate::environment::{CommandOutput, MAX_MEMORY_KIB, TestEnvironment, block, measure_memory};

#[tokio::test(flavor = "multi_thread")]
async fn archive_has_whole_images_with_what_is_attached_to_them() {
    let source = Source::start().await;
    let environment = &source.environment;
    let report = environment
        .mirror("export out.tar --output json")
        .exits(0)
        .json();
    let files = unpack(&environment.path("out.tar"));
    let contents = assert_consistent(&files);
    let image = multi_platform();
    assert_eq!(
        manifest(&files, image.root())["manifests"]
            .as_array()
            .unwrap()
            .len(),
        4,
        "two platforms with their attestations"
    );
    let images = contents["images"].as_array().unwrap();
    assert_eq!(images.len(), 5);
    let app = &images[0];
    assert_eq!(app["destination"], format!("{DESTINATION}/app"));
    assert_eq!(app["digest"], image.digest().as_ref());
    let mut attached: Vec<_> = app["attached"].as_array().unwrap().iter().collect();
    attached.sort_by_key(|one| one["tag"].is_null());
    assert_eq!(attached[0]["digest"], signature(&image).digest().as_ref());
    assert!(attached[0]["tag"].as_str().unwrap().ends_with(".sig"));
    assert_eq!(attached[1]["digest"], sbom(&image).digest().as_ref());
    assert_eq!(attached[1]["artifactType"], "application/spdx+json");
    let foreign = &contents["foreignLayers"][0];
    assert_eq!(foreign["urls"][0], "https://publisher.example.com/layer");
    assert_eq!(foreign["included"], false);
    let list = String::from_utf8(files["images-list"].clone()).unwrap();
    assert_eq!(list, environment.read("images-list"));

    assert_names(&files, image.digest().as_ref());
    let summary = &report["summary"];
    let size = fs::metadata(environment.path("out.tar")).unwrap().len();
    assert_eq!(summary["archive_bytes"], size);
    assert_eq!(summary["exported"], 5);
    assert_eq!(summary["foreign_layers"], 1);
    let shared = report["rows"][1]["shared_bytes"].as_u64().unwrap();
    assert!(
        shared > 0 && report["rows"][1]["new_bytes"] == 0,
        "{report}"
    );
}

fn assert_names(files: &BTreeMap<String, Vec<u8>>, digest: &str) {
    let index: Value = serde_json::from_slice(&files["index.json"]).unwrap();
    let entries = index["manifests"].as_array().unwrap();
    let names: Vec<&str> = entries
        .iter()
        .filter_map(|entry| entry["annotations"]["io.containerd.image.name"].as_str())
        .collect();
    assert!(names.contains(&&*format!("{DESTINATION}/app:1")));
    assert!(names.contains(&&*format!("{DESTINATION}/app@{digest}")));
    for entry in entries {
        let annotations = &entry["annotations"];
        let subject = annotations["io.containerd.manifest.subject"].as_str();
        let name = annotations["io.containerd.image.name"].as_str();
        assert!(subject.is_some() != name.is_some(), "{entry}");
        assert_eq!(
            annotations["org.opencontainers.image.ref.name"].as_str(),
            name
        );
    }
    let docker: Value = serde_json::from_slice(&files["manifest.json"]).unwrap();
    let tags: Vec<&Value> = docker
        .as_array()
        .unwrap()
        .iter()
        .map(|image| &image["RepoTags"])
        .collect();
    assert_eq!(
        tags.len(),
        2,
        "neither an artifact nor a foreign layer: {docker}"
    );
    assert_eq!(
        tags[0].as_array().unwrap().len(),
        2,
        "one image with two tags"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_form_has_the_same_bytes() {
    let source = Source::start().await;
    let environment = &source.environment;
    let dry = environment
        .mirror("export out.tar --dry-run --output json")
        .exits(0)
        .json();
    assert_eq!(source.downloads(), 0, "a dry run downloads nothing");
    assert!(!environment.path("out.tar").exists());
    environment.mirror("export out.tar").exits(0);
    let archive = fs::read(environment.path("out.tar")).unwrap();
    assert_eq!(dry["summary"]["archive_bytes"], archive.len() as u64);
    let downloads = source.downloads();
    assert_eq!(
        downloads,
        dry_blobs(&archive),
        "each blob is downloaded once"
    );
    environment.mirror("export out.tar").exits(0);
    assert_eq!(
        source.downloads(),
        downloads,
        "the second run downloads nothing"
    );

    let stream = block(|| {
        let mut command = environment.mirror_command();
        command
            .args(["export", "-"])
            .stderr(Stdio::piped())
            .output()
    });
    let stream = stream.unwrap();
    assert_eq!(stream.status.code(), Some(0));
    assert!(stream.stdout == archive, "the stream differs");
    let report = String::from_utf8(stream.stderr).unwrap();
    assert!(report.contains("exported 5 of 5 rows"), "{report}");

    environment.mirror("export out.tar.zst").exits(0);
    let plain = environment
        .command_for("zstd")
        .args(["-dc", "out.tar.zst"])
        .output();
    let plain = plain.unwrap();
    assert!(plain.status.success());
    let compressed = fs::read(environment.path("out.tar.zst")).unwrap();
    fs::remove_file(environment.path("out.tar.zst")).unwrap();
    environment.mirror("export out.tar.zst").exits(0);
    let again = fs::read(environment.path("out.tar.zst")).unwrap();
    assert!(again == compressed, "the compressed archive differs");
    fs::write(environment.path("plain.tar"), plain.stdout).unwrap();
    let mut unpacked = unpack(&environment.path("plain.tar"));
    let contents = assert_consistent(&unpacked);
    assert_eq!(contents["compression"]["format"], "zstd");

    environment.mirror("export directory").exits(0);
    let directory = files_below(&environment.path("directory"));
    assert_eq!(directory, unpack(&environment.path("out.tar")));
    unpacked.insert("mirror.json".to_owned(), directory["mirror.json"].clone());
    assert_eq!(directory, unpacked);
}

/// Returns the number of blobs of an archive that are no manifests.
fn dry_blobs(archive: &[u8]) -> usize {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.tar");
    fs::write(&path, archive).unwrap();
    let files = unpack(&path);
    let blobs = files.iter().filter(|(path, bytes)| {
        let parsed: Option<Value> = serde_json::from_slice(bytes).ok();
        path.starts_with("blobs/") && parsed.is_none_or(|parsed| parsed["schemaVersion"] != 2)
    });
    blobs.count()
}

#[tokio::test(flavor = "multi_thread")]
async fn volumes_are_joined_by_cat_and_checked_by_sha256sum() {
    let source = Source::start().await;
    let environment = &source.environment;
    for name in ["out.tar", "out.tar.zst"] {
        environment.mirror(&format!("export {name}")).exits(0);
        let whole = fs::read(environment.path(name)).unwrap();
        fs::remove_file(environment.path(name)).unwrap();
        environment
            .mirror(&format!("export {name} --volume-size 4096"))
            .exits(0);
        let volumes = whole.len().div_ceil(4096);
        assert!(volumes >= 3, "{volumes}");
        let volume = |number: usize| environment.path(&format!("{name}.{number:03}"));
        let joined: Vec<u8> = (1..=volumes)
            .flat_map(|number| fs::read(volume(number)).unwrap())
            .collect();
        assert!(joined == whole, "{name}");
        assert!(!volume(volumes + 1).exists());
        let check = |code| {
            let mut command = environment.command_for("sha256sum");
            command.args(["-c", &format!("{name}.sha256")]);
            CommandOutput::new(command.output().unwrap()).exits(code);
        };
        check(0);
        let second = fs::read(volume(2)).unwrap();
        fs::write(volume(2), "damaged").unwrap();
        check(1);
        environment
            .mirror(&format!("export {name} --volume-size 4096 --only-volume 2"))
            .exits(0);
        assert_eq!(fs::read(volume(2)).unwrap(), second, "{name}");
        check(0);
        let too_many = environment.mirror(&format!(
            "export {name} --volume-size 4096 --only-volume 999"
        ));
        assert!(too_many.exits(1).stdout.contains("no volume 999"));
    }
    // The images have changed since: another volume would not fit the others.
    source.write_list(&[("single", "2")]);
    let other = environment.mirror("export out.tar --volume-size 4096 --only-volume 2");
    assert!(other.exits(1).stdout.contains("the archive has changed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn names_and_layouts_are_those_of_the_options() {
    let source = Source::start().await;
    let environment = &source.environment;
    let host = source.registry.host();
    environment.mirror("export out.tar --names source").exits(0);
    let files = unpack(&environment.path("out.tar"));
    let index = String::from_utf8(files["index.json"].clone()).unwrap();
    assert!(index.contains(&format!("\"{host}/app:1\"")), "{index}");
    assert!(!index.contains(DESTINATION), "{index}");

    environment
        .mirror("export directory --layout repositories")
        .exits(0);
    let files = files_below(&environment.path("directory"));
    assert_consistent(&files);
    let index: Value = serde_json::from_slice(&files["mirror/app/index.json"]).unwrap();
    let tags: Vec<_> = index["manifests"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|entry| entry["annotations"]["org.opencontainers.image.ref.name"].as_str())
        .collect();
    assert_eq!(tags[..2], ["1", "latest"]);
    assert!(tags[2].ends_with(".sig"), "{tags:?}");
    assert!(files.contains_key("mirror/chart/oci-layout"));

    let tar = environment
        .mirror("export out.tar --layout repositories")
        .exits(2);
    assert!(
        tar.stderr.contains("--layout repositories does not fit"),
        "{}",
        tar.stderr
    );
    environment.mirror("export out.tar.gz").exits(2);
    let json = environment.mirror("export - --output json").exits(2);
    assert!(json.stdout.contains("--report"), "{}", json.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn platforms_and_referrers_are_narrowed() {
    let source = Source::start().await;
    source.write_list(&[("app", "1")]);
    let environment = &source.environment;
    environment
        .mirror("export out.tar --platform linux/arm64 --no-referrers")
        .exits(0);
    let files = unpack(&environment.path("out.tar"));
    let contents = assert_consistent(&files);
    let image = &contents["images"][0];
    assert_eq!(image["platforms"][0], "linux/arm64");
    assert_ne!(image["digest"], multi_platform().digest().as_ref());
    assert_eq!(image["attached"].as_array().unwrap().len(), 0);
    let hex = image["digest"]
        .as_str()
        .unwrap()
        .strip_prefix("sha256:")
        .unwrap();
    let index: Value = serde_json::from_slice(&files[&format!("blobs/sha256/{hex}")]).unwrap();
    // The image and its attestation.
    assert_eq!(index["manifests"].as_array().unwrap().len(), 2);
    let docker: Value = serde_json::from_slice(&files["manifest.json"]).unwrap();
    assert_eq!(docker[0]["RepoTags"][0], format!("{DESTINATION}/app:1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn approved_digests_and_their_lock_travel_with_the_images() {
    let source = Source::start().await;
    source.write_list(&[("single", "2")]);
    let environment = &source.environment;
    environment.mirror("lock").exits(0);
    let approved = source.registry.tagged("single", "2").unwrap();
    multi_platform().push(&source.registry, "single", Some("2"));
    let moved = environment.mirror("export out.tar").exits(0);
    let files = unpack(&environment.path("out.tar"));
    let contents = assert_consistent(&files);
    let digest = approved.digest.to_string();
    assert_eq!(contents["images"][0]["digest"], digest, "{moved:?}");
    let lock = String::from_utf8(files["images-list.lock"].clone()).unwrap();
    assert_eq!(lock, environment.read("images-list.lock"));
    let locked = environment.mirror("export locked.tar --locked").exits(3);
    assert!(!environment.path("locked.tar").exists(), "{locked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_does_not_depend_on_the_size_of_the_images() {
    let registry = testkit::processes::Distribution::new()
        .storage(testkit::processes::Storage::Files)
        .start()
        .await;
    let host = registry.host();
    let sizes = [96 << 20, 64 << 20];
    testkit::push::Pusher::new(&host)
        .large_image("big", "1", 7, &sizes)
        .await;
    let environment = TestEnvironment::new();
    environment.write("images-list", format!("{host}/big {DESTINATION}/big 1\n"));
    for output in ["out.tar", "out.tar.zst", "directory"] {
        let run = measure_memory(&environment, &format!("export {output}"));
        run.output.exits(0);
        println!("{output}: {} KiB, {:?}", run.peak_kib, run.duration);
        assert!(
            run.peak_kib < MAX_MEMORY_KIB,
            "{output}: {} KiB",
            run.peak_kib
        );
    }
}
