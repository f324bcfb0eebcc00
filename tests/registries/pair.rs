//! A source, a destination and a place to run the binary in.

use embedded_registry::digest_of;
use embedded_registry::images::Bundle;
use http::Request;
use serde_json::Value;
use testkit::clients::{Crane, Skopeo};
use testkit::fetch;
use testkit::processes::{Distribution, ReferrersRegistry, RegistryProcess, Version};
use testkit::push::Pusher;
use tokio::task::block_in_place;

use crate::environment::{Finished, TestEnvironment};

/// Which registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// distribution 2.8: no referrers API.
    V2,
    /// distribution 3: no referrers API.
    V3,
    /// go-containerregistry's: with the referrers API.
    Referrers,
}

impl Kind {
    pub(super) async fn start(self) -> RegistryProcess {
        match self {
            Self::V2 => Distribution::new().start().await,
            Self::V3 => Distribution::new().version(Version::V3).start().await,
            Self::Referrers => ReferrersRegistry::start().await,
        }
    }
}

/// What every test of this folder begins with. Rows lead from `NAME` at the source to
/// `mirror/NAME` at the destination.
pub(super) struct Pair {
    pub(super) environment: TestEnvironment,
    pub(super) source: RegistryProcess,
    pub(super) target: RegistryProcess,
}

impl Pair {
    pub(super) async fn of(source: Kind, target: Kind) -> Self {
        Self {
            environment: TestEnvironment::new(),
            source: source.start().await,
            target: target.start().await,
        }
    }

    /// Puts a bundle into the source.
    pub(super) async fn push(&self, bundle: &Bundle, repository: &str, tag: Option<&str>) {
        let pusher = Pusher::new(&self.source.host());
        pusher.bundle(bundle, repository, tag).await;
    }

    /// A name at the source.
    pub(super) fn from(&self, name: &str) -> String {
        format!("{}/{name}", self.source.host())
    }

    /// The destination of that name.
    pub(super) fn to(&self, name: &str) -> String {
        format!("{}/mirror/{name}", self.target.host())
    }

    /// Writes the list: repositories with a tag or a digest.
    pub(super) fn list(&self, rows: &[(&str, &str)]) {
        let line = |(name, tag): &(&str, &str)| {
            let (from, to) = (self.from(name), self.to(name));
            format!("{from} {to} {tag}\n")
        };
        let text: String = rows.iter().map(line).collect();
        self.environment.write("images-list", text);
    }

    /// Runs the binary, while proxies and token servers of the test go on.
    pub(super) fn mirror(&self, line: &str) -> Finished {
        block_in_place(|| self.environment.mirror(line))
    }

    /// `mirror sync` with these options: its document.
    #[track_caller]
    pub(super) fn sync(&self, options: &str, code: i32) -> Value {
        let line = format!("sync --output json {options}");
        self.mirror(&line).exits(code).json()
    }
}

/// The values of one key of all rows.
pub(super) fn column<'a>(document: &'a Value, key: &str) -> Vec<&'a str> {
    let rows = document["rows"].as_array().unwrap();
    rows.iter().map(|row| row[key].as_str().unwrap()).collect()
}

/// What crane and skopeo find under a name is the bundle's root, byte for byte.
pub(super) async fn assert_root(reference: &str, bundle: &Bundle) {
    let digest = Crane::new().digest(reference).await.unwrap();
    assert_eq!(digest, bundle.digest().as_ref(), "{reference}");
    let bytes = Skopeo::new().manifest(reference).await.unwrap();
    assert_eq!(bytes, bundle.root().bytes()[..], "{reference}");
}

/// Every manifest and every blob of a bundle is in the repository `HOST/NAME`, byte for byte. For
/// what crane's validation does not know; a plain HTTP client reads it.
pub(super) async fn assert_everything(repository: &str, bundle: &Bundle) {
    let (host, name) = repository.split_once('/').unwrap();
    for manifest in bundle.manifests() {
        let path = format!("{host}/v2/{name}/manifests/{}", manifest.digest());
        let answer = get(&path, manifest.media_type()).await;
        assert_eq!(answer.body(), manifest.bytes(), "{path}");
        let media_type = answer.headers()["content-type"].to_str().unwrap();
        assert_eq!(media_type, manifest.media_type(), "{path}");
    }
    for blob in bundle.blobs() {
        let path = format!("{host}/v2/{name}/blobs/{}", blob.digest());
        let answer = get(&path, "*/*").await;
        assert_eq!(&digest_of(answer.body()), blob.digest(), "{path}");
    }
}

/// An answer to a GET of a path that begins with the host.
pub(super) async fn get(path: &str, accept: &str) -> http::Response<bytes::Bytes> {
    let request = Request::get(format!("http://{path}")).header("accept", accept);
    fetch(request.body("").unwrap()).await
}
