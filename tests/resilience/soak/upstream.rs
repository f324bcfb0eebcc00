//! The changing upstream: tags that are added, moved, deleted and restored.

use embedded_registry::images::{
    Artifact, Bundle, Format, Image, Index, Layer, Platform, digest_tag,
};
use fastrand::Rng;
use futures::stream::{self, StreamExt};
use http::{Method, Request};
use testkit::fetch;
use testkit::push::Pusher;

/// Tags per repository.
const TAGS: usize = 10;
/// One image in this many is an index, has a signature, has a large layer.
const INDEXES: usize = 10;
const SIGNED: usize = 50;
const LARGE: usize = 40;
/// Large enough to be streamed instead of buffered.
const LARGE_BYTES: usize = 900_000;
/// One row in this many may lack its tag at a time.
const ABSENT: usize = 50;
/// Concurrent pushes.
const PUSHES: usize = 4;

/// The current image of a row's tag.
#[derive(Clone, Debug)]
struct TagState {
    version: u64,
    digest: Option<String>,
}

/// The source repositories of all rows.
pub(super) struct Upstream {
    /// The registry that requires no token.
    host: String,
    pusher: Pusher,
    rows: Vec<TagState>,
    random: Rng,
    changes: usize,
}

/// Returns repository and tag of a row.
fn source_of(number: usize) -> (String, String) {
    let repository = format!("org/image-{}", number / TAGS);
    (repository, format!("v{}", number % TAGS))
}

/// An image with a base layer that many rows share and a layer of its version.
fn image(number: usize, version: u64) -> Bundle {
    let base = Layer::random(number as u64 % 20, 4_000).unwrap();
    let size = match number % LARGE {
        7 => LARGE_BYTES,
        _ => 2_000,
    };
    let own = Layer::random(1_000 + version * 1_000_000 + number as u64, size).unwrap();
    let image = |architecture| {
        Image::new(Format::Oci, Platform::linux(architecture))
            .layer(base.clone())
            .layer(own.clone())
            .label("version", &version.to_string())
            .build()
    };
    match number % INDEXES {
        0 => Index::new(Format::Oci)
            .child(image("amd64"))
            .child(image("arm64"))
            .build(),
        _ => image("amd64"),
    }
}

async fn push(pusher: &Pusher, number: usize, version: u64) -> TagState {
    let (repository, tag) = source_of(number);
    let image = image(number, version);
    pusher.bundle(&image, &repository, Some(&tag)).await;
    if number.is_multiple_of(SIGNED) {
        let signature = Artifact::cosign_signature(image.digest()).build();
        let tag = digest_tag(image.digest(), Some("sig"));
        pusher.bundle(&signature, &repository, Some(&tag)).await;
    }
    TagState {
        version,
        digest: Some(image.digest().to_string()),
    }
}

impl Upstream {
    /// Pushes the images of `rows` rows to the registry at `host`.
    pub(super) async fn new(host: String, rows: usize, seed: u64) -> Self {
        let pusher = &Pusher::new(&host);
        let pushes = (0..rows).map(|number| push(pusher, number, 0));
        let rows = stream::iter(pushes).buffered(PUSHES).collect().await;
        Self {
            pusher: Pusher::new(&host),
            host,
            rows,
            random: Rng::with_seed(seed),
            changes: 0,
        }
    }

    /// Returns the number of changes.
    pub(super) fn changes(&self) -> usize {
        self.changes
    }

    /// Returns the number of rows.
    pub(super) fn rows(&self) -> usize {
        self.rows.len()
    }

    /// Returns all repositories.
    pub(super) fn repositories(&self) -> Vec<String> {
        let mut all: Vec<_> = (0..self.rows.len())
            .map(|number| source_of(number).0)
            .collect();
        all.dedup();
        all
    }

    /// Returns `REPOSITORY:TAG` and digest of every row and signature.
    pub(super) fn expected(&self) -> Vec<(String, Option<String>)> {
        let mut all = Vec::new();
        for (number, tagged) in self.rows.iter().enumerate() {
            let (repository, tag) = source_of(number);
            all.push((format!("{repository}:{tag}"), tagged.digest.clone()));
            if number % SIGNED == 0
                && let Some(digest) = &tagged.digest
            {
                let signed = digest.parse().unwrap();
                let tag = digest_tag(&signed, Some("sig"));
                let signature = Artifact::cosign_signature(&signed).build();
                let digest = signature.digest().to_string();
                all.push((format!("{repository}:{tag}"), Some(digest)));
            }
        }
        all
    }

    /// Returns the list of all rows between two hosts.
    pub(super) fn list(&self, from: &str, to: &str) -> String {
        let row = |number| {
            let (repository, tag) = source_of(number);
            format!("{from}/{repository} {to}/{repository} {tag}\n")
        };
        (0..self.rows.len()).map(row).collect()
    }

    /// Moves or deletes the tag of a random row.
    pub(super) async fn change_one(&mut self) {
        let number = self.random.usize(..self.rows.len());
        let absent = self.rows.iter().filter(|row| row.digest.is_none()).count();
        let may_delete = absent < self.rows.len().div_ceil(ABSENT);
        let is_tagged = self.rows[number].digest.is_some();
        if is_tagged && may_delete && self.random.u8(..5) == 0 {
            self.delete(number).await;
        } else {
            self.move_tag(number).await;
        }
    }

    /// Adds a row with a new tag.
    pub(super) async fn add(&mut self) {
        self.changes += 1;
        let tagged = push(&self.pusher, self.rows.len(), 0).await;
        self.rows.push(tagged);
    }

    /// Restores deleted tags with other content.
    pub(super) async fn restore_deleted(&mut self) {
        for number in 0..self.rows.len() {
            if self.rows[number].digest.is_none() {
                self.move_tag(number).await;
            }
        }
    }

    async fn move_tag(&mut self, number: usize) {
        self.changes += 1;
        let version = self.rows[number].version + 1;
        self.rows[number] = push(&self.pusher, number, version).await;
    }

    async fn delete(&mut self, number: usize) {
        self.changes += 1;
        let (repository, tag) = source_of(number);
        let url = format!("http://{}/v2/{repository}/manifests/{tag}", self.host);
        let request = Request::builder().method(Method::DELETE).uri(url);
        let response = fetch(request.body("").unwrap()).await;
        assert_eq!(response.status(), 202, "{repository}:{tag}: {response:?}");
        self.rows[number].digest = None;
    }
}
