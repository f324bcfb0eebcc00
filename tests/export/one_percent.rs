//! The bytes of a delta after one row in a hundred was added.
//!
//! Takes more than 10 s: 200 images are exported, imported and listed.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use embedded_registry::images::{Bundle, Format, Image, Layer, Platform};
use embedded_registry::{Registry, RunningRegistry};
use serde_json::Value;

use super::source::{DESTINATION, assert_consistent, unpack};
use crate::environment::TestEnvironment;

const ROWS: u64 = 200;
const NEW: u64 = 2;
/// Maximum bytes of a delta, relative to what the far side lacks.
const MAX_RATIO: f64 = 1.01;

/// Returns an image that shares layers with others. The new ones have a large layer of their own.
fn image(number: u64) -> Bundle {
    let own = if number < ROWS { 500 } else { 16 << 20 };
    let layers = [
        (number % 10, 4_000),
        (1_000 + number / 2 % 40, 1_000),
        (10_000 + number, own),
    ];
    let image = Image::new(Format::Docker, Platform::linux("amd64"));
    let layers = layers.map(|(seed, size)| Layer::random(seed, size).unwrap());
    layers.into_iter().fold(image, Image::layer).build()
}

/// Returns the repository and the tag of an image. The first new one is a new tag, the second a new repository.
fn name(number: u64) -> (String, String) {
    let repository = if number == ROWS { 0 } else { number / 2 };
    (format!("app{repository}"), format!("v{number}"))
}

/// Returns the content of images by digest, with its size.
fn contents(images: &[Bundle]) -> HashMap<String, u64> {
    let contents = images.iter().flat_map(|image| {
        let manifests = image.manifests().into_iter();
        manifests.chain(image.blobs())
    });
    contents
        .map(|content| (content.digest().to_string(), content.bytes().len() as u64))
        .collect()
}

fn write_list(environment: &TestEnvironment, source: &RunningRegistry, rows: u64) {
    let host = source.host();
    let line = |number| {
        let (repository, tag) = name(number);
        format!("{host}/{repository} {DESTINATION}/{repository} {tag}\n")
    };
    environment.write("images-list", (0..rows).map(line).collect::<String>());
}

/// The content that the far side lacks, by digest.
struct Lacking {
    sizes: HashMap<String, u64>,
    /// The sum of the sizes.
    floor: u64,
}

impl Lacking {
    fn new(known: &[Bundle], new: &[Bundle]) -> Self {
        let known = contents(known);
        let mut sizes = contents(new);
        sizes.retain(|digest, _| !known.contains_key(digest));
        let floor = sizes.values().sum();
        Self { sizes, floor }
    }

    /// Asserts that a delta has this content, and nothing else.
    fn assert_delta(&self, archive: &Path, base: &str) {
        let listed = assert_consistent(&unpack(archive));
        let members = listed["members"].as_array().unwrap().iter();
        let is_content = |member: &&Value| member["path"].as_str().unwrap().starts_with("blobs/");
        let mut bytes = 0;
        for member in members.filter(is_content) {
            let digest = member["digest"].as_str().unwrap();
            assert!(
                self.sizes.contains_key(digest),
                "{base}: the far side has {digest}"
            );
            bytes += member["size"].as_u64().unwrap();
        }
        let archive = fs::metadata(archive).unwrap().len();
        let ratio = |bytes: u64| bytes as f64 / self.floor as f64;
        let (content, whole) = (ratio(bytes), ratio(archive));
        println!(
            "{base}: content {content:.4}, archive {whole:.4} of {} bytes",
            self.floor
        );
        assert!((1.0..=MAX_RATIO).contains(&content), "{base}: {content}");
        assert!(whole <= MAX_RATIO, "{base}: {whole}");
    }

    fn assert_downloads(&self, source: &RunningRegistry) {
        let requests = source.requests();
        let reads = requests.iter().filter(|request| request.method == "GET");
        let blobs = reads.filter_map(|request| request.path.split_once("/blobs/"));
        for (_, digest) in blobs {
            assert!(self.sizes.contains_key(digest), "the far side has {digest}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn delta_after_one_percent_of_new_rows_has_no_byte_that_the_far_side_has() {
    let source = Registry::new().access_log(100_000).start().await.unwrap();
    let far_side = Registry::new().access_log(100_000).start().await.unwrap();
    let environment = TestEnvironment::new();
    let images: Vec<Bundle> = (0..ROWS + NEW).map(image).collect();
    for (number, image) in images.iter().enumerate() {
        let (repository, tag) = name(number as u64);
        image.push(&source, &repository, Some(&tag));
    }
    let (known, new) = images.split_at(ROWS as usize);
    let lacking = Lacking::new(known, new);
    let renamed = format!("--dest-registry {}", far_side.host());
    write_list(&environment, &source, ROWS);
    environment.mirror("export first.tar").exits(0);
    environment
        .mirror(&format!("import first.tar {renamed}"))
        .exits(0);
    let inventory = environment.mirror(&format!("inventory {renamed}")).exits(0);
    environment.write("inventory.json", &inventory.stdout);
    write_list(&environment, &source, ROWS + NEW);
    for (base, names) in [("first.tar", ""), ("inventory.json", &*renamed)] {
        source.clear_requests();
        let line = format!("export delta.tar --base {base} {names} --output json");
        let report = environment.mirror(&line).exits(0).json();
        assert_eq!(report["summary"]["unchanged"], ROWS, "{base}");
        lacking.assert_delta(&environment.path("delta.tar"), base);
        lacking.assert_downloads(&source);
    }
    far_side.clear_requests();
    environment.mirror("import delta.tar").exits(0);
    let requests = far_side.requests();
    let uploads = requests
        .iter()
        .filter(|request| request.query.contains("digest="));
    // Two layers and two configs; everything else is mounted or there.
    assert_eq!(uploads.count(), 4, "{requests:?}");
    let (repository, tag) = name(ROWS + 1);
    let tagged = far_side.tagged(&format!("mirror/{repository}"), &tag);
    assert_eq!(tagged.unwrap().digest, *new[1].digest());
}
