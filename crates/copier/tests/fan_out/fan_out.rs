//! A source and three registries, each behind a proxy.

use std::collections::BTreeMap;
use std::sync::Arc;

use copier::{Options, Outcome, Progress, Report, Row, RunContext, Status};
use embedded_registry::images::{
    Artifact, Bundle, Format, Image, Index, Layer, Platform, digest_tag,
};
use embedded_registry::{Registry, RunningRegistry};
use image_name::Digest;
use registry_client::{Blob, Client};
use testkit::processes::{Distribution, RegistryProcess, Storage, Version};
use testkit::proxy::{FaultProxy, RecordedRequest};
use testkit::push::Pusher;
use tokio_util::sync::CancellationToken;

pub const MIB: usize = 1024 * 1024;

/// A source, and registries of different versions.
pub struct FanOut {
    pub pusher: Pusher,
    pub from: FaultProxy,
    pub to: [FaultProxy; 3],
    /// Addresses of the registries without a proxy.
    pub direct: [String; 3],
    _distributions: [RegistryProcess; 3],
    _embedded: RunningRegistry,
}

/// A request to the source: method, path, and bytes of the response.
pub type SourceRequests = BTreeMap<(String, String), Vec<u64>>;

impl FanOut {
    pub async fn new() -> Self {
        // In memory, distribution takes quadratic time for large blobs.
        let distribution = || Distribution::new().storage(Storage::Files);
        let source = distribution().start().await;
        let old = distribution().start().await;
        let new = distribution().version(Version::V3).start().await;
        let embedded = Registry::new().start().await.unwrap();
        let addresses = [old.address(), new.address(), embedded.address()];
        let [first, second, third] = addresses;
        Self {
            pusher: Pusher::new(&source.host()),
            from: FaultProxy::start(source.address()).await,
            to: [
                FaultProxy::start(first).await,
                FaultProxy::start(second).await,
                FaultProxy::start(third).await,
            ],
            direct: addresses.map(|address| address.to_string()),
            _distributions: [source, old, new],
            _embedded: embedded,
        }
    }

    /// Pushes an image to the source, as `NAME:1`.
    pub async fn push(&self, image: &Bundle, name: &str) {
        self.pusher.bundle(image, name, Some("1")).await;
    }

    /// Returns a row for each of some registries.
    pub fn rows(&self, name: &str, registries: &[usize]) -> Vec<Row> {
        let row = |registry: &usize| {
            let source = format!("{}/{name}:1", self.from.host());
            let destination = format!("{}/mirror/{name}:1", self.to[*registry].host());
            Row::new(source.parse().unwrap(), destination.parse().unwrap())
        };
        registries.iter().map(row).collect()
    }

    /// Runs rows with a new client.
    pub async fn sync(&self, rows: &[Row]) -> Report {
        sync(&Client::builder().build(), rows).await
    }

    /// Returns the requests to the source since the last call.
    pub fn take_source_requests(&self) -> SourceRequests {
        let mut found = SourceRequests::new();
        for request in self.from.requests() {
            // One request finds out that the source lacks the referrers API, about any digest.
            let path = match request.path.contains("/referrers/") {
                true => "/referrers/".to_owned(),
                false => request.path.clone(),
            };
            found
                .entry((request.method.clone(), path))
                .or_default()
                .push(request.received_bytes);
        }
        self.from.clear_requests();
        found
    }

    /// Returns the downloads of a blob.
    pub fn downloads(&self, digest: &str) -> Vec<RecordedRequest> {
        let requests = self.from.requests().into_iter();
        requests
            .filter(|request| request.method == "GET" && request.path.ends_with(digest))
            .collect()
    }

    /// Reads an image from a registry, without the proxy, and checks all digests.
    pub async fn assert_complete(&self, registry: usize, name: &str, image: &Bundle) {
        let client = Client::builder().build();
        let reference = format!("{}/mirror/{name}:1", self.direct[registry]);
        let reference = reference.parse().unwrap();
        let repository = client.sources(&reference).unwrap().remove(0);
        let tag: image_name::Tag = "1".parse().unwrap();
        let root = repository.manifest(&tag).await.unwrap();
        let expected = image.root().digest().to_string();
        assert_eq!(root.unwrap().digest.as_str(), expected, "{reference}");
        for manifest in image.manifests() {
            let digest: Digest = manifest.digest().as_ref().parse().unwrap();
            assert!(repository.manifest(&digest).await.unwrap().is_some());
        }
        for content in image.blobs() {
            let blob = Blob {
                digest: content.digest().as_ref().parse().unwrap(),
                size: content.bytes().len() as u64,
            };
            let mut reader = repository.read_blob(&blob);
            while reader.next().await.unwrap().is_some() {}
        }
    }

    /// Returns whether a registry has the tag.
    pub async fn is_tagged(&self, registry: usize, name: &str) -> bool {
        let client = Client::builder().build();
        let reference = format!("{}/mirror/{name}:1", self.direct[registry]);
        let repository = client
            .sources(&reference.parse().unwrap())
            .unwrap()
            .remove(0);
        let tag: image_name::Tag = "1".parse().unwrap();
        repository.head_manifest(&tag).await.unwrap().is_some()
    }
}

/// Runs rows.
pub async fn sync(client: &Client, rows: &[Row]) -> Report {
    let (progress, stop) = (Arc::new(Progress::default()), CancellationToken::new());
    let context = RunContext {
        client,
        options: &Options::default(),
        progress: &progress,
        stop: &stop,
    };
    copier::sync(context, rows, &[]).await
}

/// Returns an image with layers of these sizes.
pub fn image(name: &str, sizes: &[usize]) -> Bundle {
    let image = Image::new(Format::Oci, Platform::linux("amd64")).label("name", name);
    let seeds = name
        .bytes()
        .fold(0, |sum: u64, byte| sum * 31 + u64::from(byte));
    let layers = (seeds..).zip(sizes);
    let layers = layers.map(|(seed, size)| Layer::random(seed, *size).unwrap());
    layers.fold(image, Image::layer).build()
}

/// Returns an index of two platforms with small and streamed layers, none larger than a window: no
/// registry can fall behind.
pub fn index(name: &str) -> Bundle {
    let sizes = [[1_000, 300_000, 3 * MIB], [2_000, 400_000, 2 * MIB]];
    let children = ["amd64", "arm64"].into_iter().zip(sizes);
    let children = children.map(|(platform, sizes)| image(&format!("{name}-{platform}"), &sizes));
    children
        .fold(Index::new(Format::Oci), |index, child| index.child(child))
        .build()
}

/// Returns a signature of an image, and its tag.
pub fn signature(image: &Bundle) -> (Bundle, String) {
    let signature = Artifact::cosign_signature(image.digest()).build();
    (signature, digest_tag(image.digest(), Some("sig")))
}

/// Returns the digest of the largest blob.
pub fn largest(image: &Bundle) -> String {
    let blobs = image.blobs().into_iter();
    let largest = blobs.max_by_key(|blob| blob.bytes().len()).unwrap();
    largest.digest().to_string()
}

pub fn statuses(report: &Report) -> Vec<Status> {
    report.rows.iter().map(|outcome| outcome.status).collect()
}

pub fn message(outcome: &Outcome) -> String {
    outcome
        .error
        .as_ref()
        .map_or_else(String::new, ToString::to_string)
}
