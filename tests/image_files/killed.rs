//! `mirror copy` into files that is killed at random points: a file is the old or the new one, and a name in a
//! directory has all its content.
//!
//! Takes more than 10 s: `scripts/kills` runs the long form.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use embedded_registry::images::{Platform, sample_image};
use embedded_registry::{Registry, RunningRegistry};
use image_name::Digest;
use registry_client::ContentHasher;
use serde_json::Value;

use crate::environment::{TestEnvironment, kill_at_request, kills, registry_with};

/// Copies that are killed, each at another point.
const KILLS: u64 = 18;

/// Starts a registry with the images `app:v1` and `app:v2`, which responds slowly.
async fn slow_registry() -> RunningRegistry {
    let registry = Registry::new().latency(Duration::from_millis(1));
    let registry = registry.start().await.unwrap();
    let platforms = [Platform::linux("amd64"), Platform::linux("arm64")];
    for (number, tag) in [(1, "v1"), (2, "v2")] {
        let image = sample_image("app", number, &platforms, 4).unwrap();
        image.push(&registry, "app", Some(tag));
    }
    registry
}

/// Checks that every file of a layout that is named by a digest has this digest, and that every image of the
/// index has all its content. Returns the names of the images.
fn assert_whole_layout(directory: &Path) -> BTreeSet<String> {
    let Ok(algorithms) = fs::read_dir(directory.join("blobs/sha256")) else {
        assert!(
            !directory.join("index.json").exists(),
            "images without blobs"
        );
        return BTreeSet::new();
    };
    for blob in algorithms {
        let blob = blob.unwrap();
        let name = blob.file_name().into_string().unwrap();
        let digest: Digest = format!("sha256:{name}").parse().unwrap();
        let mut hasher = ContentHasher::for_digest(&digest);
        hasher.update(&fs::read(blob.path()).unwrap());
        assert_eq!(hasher.finish(), digest.as_str());
    }
    let Ok(index) = fs::read(directory.join("index.json")) else {
        return BTreeSet::new();
    };
    let index: Value = serde_json::from_slice(&index).unwrap();
    let mut names = BTreeSet::new();
    let mut pending = Vec::new();
    for entry in index["manifests"].as_array().unwrap() {
        let name = &entry["annotations"]["org.opencontainers.image.ref.name"];
        names.insert(name.as_str().unwrap().to_owned());
        pending.push(entry.clone());
    }
    while let Some(descriptor) = pending.pop() {
        let digest = descriptor["digest"].as_str().unwrap().replace(':', "/");
        let bytes = fs::read(directory.join("blobs").join(digest)).unwrap();
        let media_type = descriptor["mediaType"].as_str().unwrap_or_default();
        if media_type.contains("manifest") || media_type.contains("index") {
            let document: Value = serde_json::from_slice(&bytes).unwrap();
            pending.extend(
                document["config"]
                    .is_object()
                    .then(|| document["config"].clone()),
            );
            for list in ["layers", "manifests"] {
                pending.extend(document[list].as_array().into_iter().flatten().cloned());
            }
        }
    }
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_copy_leaves_whole_images_in_a_layout_and_the_next_one_continues() {
    let registry = slow_registry().await;
    let (kills, mut random) = kills(KILLS);
    let line = format!("copy {}/app:v2 oci:layout:new", registry.host());
    let (mut killed, mut resumed) = (0, 0);
    let mut requests = 0;
    for _ in 0..=kills.div_ceil(3) {
        let environment = TestEnvironment::new();
        let old = format!("copy {}/app:v1 oci:layout:old", registry.host());
        environment.mirror(&old).exits(0);
        let layout = environment.path("layout");
        registry.clear_requests();
        // The first run counts the requests.
        for _ in 0..random.u64(1..4) {
            if requests == 0 {
                break;
            }
            let mut command = environment.mirror_command_without_vv();
            command.args(line.split(' '));
            let was_killed = kill_at_request(command, &registry, random.u64(0..=requests));
            killed += usize::from(was_killed);
            assert!(assert_whole_layout(&layout).contains("old"));
        }
        let before = fs::read_dir(layout.join("blobs/sha256")).unwrap().count();
        registry.clear_requests();
        let last = environment.mirror(&format!("{line} --output json"));
        let report = last.exits(0).json();
        requests = requests.max(registry.request_count());
        let names = assert_whole_layout(&layout);
        assert_eq!(names, ["new", "old"].map(str::to_owned).into());
        let after = fs::read_dir(layout.join("blobs/sha256")).unwrap().count();
        let copied = report["summary"]["blobs_copied"].as_u64().unwrap();
        assert!(
            copied <= (after - before) as u64,
            "{before} of {after}: {report}"
        );
        resumed += usize::from(copied > 0 && copied < 10);
    }
    println!("copy to a layout: {killed} kills, {resumed} resumed");
    assert!(killed > 0);
    // Few kills may all come before the first blob, or after the last one.
    assert!(kills <= KILLS || resumed > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_copy_leaves_the_old_archive_or_the_new_one() {
    let registry = slow_registry().await;
    let far_side = registry_with(&[]).await;
    let (kills, mut random) = kills(KILLS);
    let host = registry.host();
    for transport in ["oci-archive", "docker-archive"] {
        let environment = TestEnvironment::new();
        let file = format!("{transport}:file.tar:example.com/app");
        let copy = |tag: &str| format!("copy {host}/app:{tag} {file}:{tag}");
        environment.mirror(&copy("v1")).exits(0);
        let old = fs::read(environment.path("file.tar")).unwrap();
        registry.clear_requests();
        environment.mirror(&copy("v2")).exits(0);
        let requests = registry.request_count();
        let (mut killed, mut replaced) = (0, 0);
        for _ in 0..kills.div_ceil(3) {
            fs::write(environment.path("file.tar"), &old).unwrap();
            let mut command = environment.mirror_command_without_vv();
            command.args(copy("v2").split(' '));
            killed += usize::from(kill_at_request(
                command,
                &registry,
                random.u64(0..=requests),
            ));
            let is_old = fs::read(environment.path("file.tar")).unwrap() == old;
            replaced += usize::from(!is_old);
            let tag = if is_old { "v1" } else { "v2" };
            let back = format!("copy {file}:{tag} docker://{}/app:{tag}", far_side.host());
            environment.mirror(&back).exits(0);
            let expected = registry.tagged("app", tag).unwrap().digest;
            assert_eq!(far_side.tagged("app", tag).unwrap().digest, expected);
        }
        let names = environment.file_names().into_iter();
        let others: Vec<_> = names.filter(|name| name != "file.tar").collect();
        assert!(
            others.iter().all(|name| name.starts_with(".tmp-")),
            "{others:?}"
        );
        environment.mirror(&copy("v2")).exits(0);
        assert!(killed > 0);
        println!("copy to {transport}: {killed} kills, {replaced} after the end");
    }
}
