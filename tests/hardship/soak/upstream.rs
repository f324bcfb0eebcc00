//! What is upstream, and how it changes: tags that are pushed again, deleted,
//! brought back, and new ones.

use embedded_registry::images::{
    Artifact, Bundle, Format, Image, Index, Layer, Platform, digest_tag,
};
use fastrand::Rng;
use futures::stream::{self, StreamExt};
use http::{Method, Request};
use testkit::fetch;
use testkit::push::Pusher;

/// Tags of a repository.
const TAGS: usize = 10;
/// One image in so many is an index, has a signature, has a large layer.
const INDEXES: usize = 10;
const SIGNED: usize = 50;
const LARGE: usize = 40;
/// Streamed: more than what is read whole before it is sent.
const LARGE_BYTES: usize = 900_000;
/// One row in so many may be without its tag at a time.
const ABSENT: usize = 50;
/// Pushes at once.
const PUSHES: usize = 4;

/// A row's tag: what it names now, if it is there.
#[derive(Clone, Debug)]
struct Tagged {
    version: u64,
    digest: Option<String>,
}

/// The upstream of every row.
pub(super) struct Upstream {
    /// Where no token is asked for.
    host: String,
    pusher: Pusher,
    rows: Vec<Tagged>,
    random: Rng,
    changes: usize,
}

/// Repository and tag of a row.
fn place(number: usize) -> (String, String) {
    let repository = format!("org/image-{}", number / TAGS);
    (repository, format!("v{}", number % TAGS))
}

/// The base is that of many rows, the rest is one version's own.
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

async fn push(pusher: &Pusher, number: usize, version: u64) -> Tagged {
    let (repository, tag) = place(number);
    let image = image(number, version);
    pusher.bundle(&image, &repository, Some(&tag)).await;
    if number.is_multiple_of(SIGNED) {
        let signature = Artifact::cosign_signature(image.digest()).build();
        let tag = digest_tag(image.digest(), Some("sig"));
        pusher.bundle(&signature, &repository, Some(&tag)).await;
    }
    Tagged {
        version,
        digest: Some(image.digest().to_string()),
    }
}

impl Upstream {
    /// Fills the registry at `host` with the images of so many rows.
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

    /// How often something changed.
    pub(super) fn changes(&self) -> usize {
        self.changes
    }

    /// How many rows there are.
    pub(super) fn rows(&self) -> usize {
        self.rows.len()
    }

    /// All repositories.
    pub(super) fn repositories(&self) -> Vec<String> {
        let mut all: Vec<_> = (0..self.rows.len()).map(|number| place(number).0).collect();
        all.dedup();
        all
    }

    /// `REPOSITORY:TAG` of every row and its digest, and the same of signatures.
    pub(super) fn expected(&self) -> Vec<(String, Option<String>)> {
        let mut all = Vec::new();
        for (number, tagged) in self.rows.iter().enumerate() {
            let (repository, tag) = place(number);
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

    /// The list of all rows between two hosts.
    pub(super) fn list(&self, from: &str, to: &str) -> String {
        let row = |number| {
            let (repository, tag) = place(number);
            format!("{from}/{repository} {to}/{repository} {tag}\n")
        };
        (0..self.rows.len()).map(row).collect()
    }

    /// One row's tag changes.
    pub(super) async fn change(&mut self) {
        let number = self.random.usize(..self.rows.len());
        let absent = self.rows.iter().filter(|row| row.digest.is_none()).count();
        let may_go = absent < self.rows.len().div_ceil(ABSENT);
        let is_there = self.rows[number].digest.is_some();
        if is_there && may_go && self.random.u8(..5) == 0 {
            self.delete(number).await;
        } else {
            self.push_again(number).await;
        }
    }

    /// A new row with a tag of its own.
    pub(super) async fn add(&mut self) {
        self.changes += 1;
        let tagged = push(&self.pusher, self.rows.len(), 0).await;
        self.rows.push(tagged);
    }

    /// Tags that were deleted come back, with other content.
    pub(super) async fn bring_back(&mut self) {
        for number in 0..self.rows.len() {
            if self.rows[number].digest.is_none() {
                self.push_again(number).await;
            }
        }
    }

    async fn push_again(&mut self, number: usize) {
        self.changes += 1;
        let version = self.rows[number].version + 1;
        self.rows[number] = push(&self.pusher, number, version).await;
    }

    async fn delete(&mut self, number: usize) {
        self.changes += 1;
        let (repository, tag) = place(number);
        let url = format!("http://{}/v2/{repository}/manifests/{tag}", self.host);
        let request = Request::builder().method(Method::DELETE).uri(url);
        let answer = fetch(request.body("").unwrap()).await;
        assert_eq!(answer.status(), 202, "{repository}:{tag}: {answer:?}");
        self.rows[number].digest = None;
    }
}
