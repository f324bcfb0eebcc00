//! A source and a destination registry with an environment for the binary.

use embedded_registry::digest_of;
use embedded_registry::images::Bundle;
use http::Request;
use serde_json::Value;
use testkit::clients::{Crane, Skopeo};
use testkit::fetch;
use testkit::processes::{Distribution, ReferrersRegistry, RegistryProcess, Version};
use testkit::push::Pusher;

use crate::environment::{CommandOutput, TestEnvironment};

/// A kind of registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RegistryKind {
    /// distribution 2.8: no referrers API.
    V2,
    /// distribution 3: no referrers API.
    V3,
    /// The registry of go-containerregistry: with the referrers API.
    Referrers,
}

impl RegistryKind {
    pub(super) async fn start(self) -> RegistryProcess {
        match self {
            Self::V2 => Distribution::new().start().await,
            Self::V3 => Distribution::new().version(Version::V3).start().await,
            Self::Referrers => ReferrersRegistry::start().await,
        }
    }
}

/// Two registries. Rows copy `NAME` at the source to `mirror/NAME` at the destination.
pub(super) struct RegistryPair {
    pub(super) environment: TestEnvironment,
    pub(super) source: RegistryProcess,
    pub(super) destination: RegistryProcess,
}

impl RegistryPair {
    pub(super) async fn start(source: RegistryKind, destination: RegistryKind) -> Self {
        Self {
            environment: TestEnvironment::new(),
            source: source.start().await,
            destination: destination.start().await,
        }
    }

    /// Pushes a bundle to the source.
    pub(super) async fn push(&self, bundle: &Bundle, repository: &str, tag: Option<&str>) {
        let pusher = Pusher::new(&self.source.host());
        pusher.bundle(bundle, repository, tag).await;
    }

    /// Returns a repository at the source.
    pub(super) fn from(&self, name: &str) -> String {
        format!("{}/{name}", self.source.host())
    }

    /// Returns the destination of a repository.
    pub(super) fn to(&self, name: &str) -> String {
        format!("{}/mirror/{name}", self.destination.host())
    }

    /// Writes a list with a row for each repository and its tag or digest.
    pub(super) fn write_list(&self, rows: &[(&str, &str)]) {
        let line = |(name, tag): &(&str, &str)| {
            let (from, to) = (self.from(name), self.to(name));
            format!("{from} {to} {tag}\n")
        };
        let text: String = rows.iter().map(line).collect();
        self.environment.write("images-list", text);
    }

    pub(super) fn mirror(&self, line: &str) -> CommandOutput {
        self.environment.mirror(line)
    }

    /// Runs `mirror sync` and returns its report.
    #[track_caller]
    pub(super) fn sync(&self, options: &str, code: i32) -> Value {
        let line = format!("sync --output json {options}");
        self.mirror(&line).exits(code).json()
    }
}

/// Asserts with crane and skopeo that a reference has exactly the bytes of the bundle's root.
pub(super) async fn assert_root(reference: &str, bundle: &Bundle) {
    let digest = Crane::new().digest(reference).await.unwrap();
    assert_eq!(digest, bundle.digest().as_ref(), "{reference}");
    let bytes = Skopeo::new().manifest(reference).await.unwrap();
    assert_eq!(bytes, bundle.root().bytes()[..], "{reference}");
}

/// Asserts with plain requests that `HOST/NAME` has every manifest and blob of a bundle, for content
/// that `crane validate` does not support.
pub(super) async fn assert_content(repository: &str, bundle: &Bundle) {
    let (host, name) = repository.split_once('/').unwrap();
    for manifest in bundle.manifests() {
        let path = format!("{host}/v2/{name}/manifests/{}", manifest.digest());
        let response = get(&path, manifest.media_type()).await;
        assert_eq!(response.body(), manifest.bytes(), "{path}");
        let media_type = response.headers()["content-type"].to_str().unwrap();
        assert_eq!(media_type, manifest.media_type(), "{path}");
    }
    for blob in bundle.blobs() {
        let path = format!("{host}/v2/{name}/blobs/{}", blob.digest());
        let response = get(&path, "*/*").await;
        assert_eq!(&digest_of(response.body()), blob.digest(), "{path}");
    }
}

/// Sends a GET request for `HOST/PATH`.
pub(super) async fn get(path: &str, accept: &str) -> http::Response<bytes::Bytes> {
    let request = Request::get(format!("http://{path}")).header("accept", accept);
    fetch(request.body("").unwrap()).await
}
