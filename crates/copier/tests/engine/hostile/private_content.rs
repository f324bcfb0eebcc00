//! Sources that name the digests of another source's private content, to get it into their own
//! destination.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use copier::{Report, Row};
use embedded_registry::RunningRegistry;
use embedded_registry::images::{Bundle, Format, Image, Layer, Platform};
use registry_client::Client;
use registry_client::credentials::{CredentialFile, CredentialSources, CredentialStore, Helpers};
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::processes::{Distribution, RegistryProcess};
use testkit::push::Pusher;

use crate::run::{Run, count, registry};

const USER: &str = "robot";
const PASSWORD: &str = "canary-of-private-content";

/// A private source, a public one, and a destination.
struct Hosts {
    private: RegistryProcess,
    public: RunningRegistry,
    target: RunningRegistry,
    client: Client,
    _directory: TempDir,
}

impl Hosts {
    async fn start() -> Self {
        let private = Distribution::new().htpasswd(USER, PASSWORD).start().await;
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("auth.json");
        let auth = BASE64_STANDARD.encode(format!("{USER}:{PASSWORD}"));
        let auths = json!({"auths": {private.host(): {"auth": auth}}});
        std::fs::write(&file, auths.to_string()).unwrap();
        let sources = CredentialSources {
            files: vec![CredentialFile::required(file)],
            helpers: Helpers::new(""),
        };
        let client = Client::builder().credentials(CredentialStore::new(sources));
        Self {
            private,
            public: registry().await,
            target: registry().await,
            client: client.build(),
            _directory: directory,
        }
    }

    async fn push_private(&self, image: &Bundle, name: &str) {
        let pusher = Pusher::new(&self.private.host()).basic(USER, PASSWORD);
        pusher.bundle(image, name, Some("v1")).await;
    }

    fn row(&self, from: &str, name: &str) -> Row {
        Row::new(
            format!("{from}/{name}:v1").parse().unwrap(),
            format!("{}/mirror/{name}:v1", self.target.host())
                .parse()
                .unwrap(),
        )
    }

    fn private_row(&self, name: &str) -> Row {
        self.row(&self.private.host(), name)
    }

    fn public_row(&self, name: &str) -> Row {
        self.row(&self.public.host(), name)
    }

    async fn sync(&self, rows: &[Row], other_rows: &[Row]) -> Report {
        let run = Run {
            other_rows: other_rows.to_vec(),
            ..Run::default()
        };
        run.without_referrers().sync_by(&self.client, rows).await
    }

    /// Returns the requests of the private source for blobs with HEAD.
    async fn private_proofs(&self) -> usize {
        let requests = self.private.requests().await;
        let proofs = requests
            .iter()
            .filter(|it| it.method == "HEAD" && it.path.contains("/blobs/"));
        proofs.count()
    }
}

fn image(name: &str, layers: &[u64]) -> Bundle {
    let layers = layers
        .iter()
        .map(|seed| Layer::random(*seed, 2_000).unwrap());
    let image = Image::new(Format::Oci, Platform::linux("amd64")).label("name", name);
    layers.fold(image, Image::layer).build()
}

/// Pushes a document that names private content to the public source.
fn push_evil(public: &RunningRegistry, secret: &Bundle, kind: &str) {
    let manifest: Value = serde_json::from_slice(secret.root().bytes()).unwrap();
    let own = image("evil", &[9]);
    own.push(public, "evil", None);
    let own: Value = serde_json::from_slice(own.root().bytes()).unwrap();
    let index = "application/vnd.oci.image.index.v1+json";
    let oci = "application/vnd.oci.image.manifest.v1+json";
    let (media_type, document) = match kind {
        "child" => (
            index,
            json!({"schemaVersion": 2, "mediaType": index, "manifests": [secret.root().descriptor()]}),
        ),
        "layer" => (
            oci,
            json!({"schemaVersion": 2, "mediaType": oci, "config": own["config"], "layers": manifest["layers"]}),
        ),
        "config" => (
            oci,
            json!({"schemaVersion": 2, "mediaType": oci, "config": manifest["config"], "layers": own["layers"]}),
        ),
        _ => unreachable!("{kind}"),
    };
    public.put_manifest("evil", Some("v1"), media_type, document.to_string().into());
}

#[tokio::test]
async fn private_content_is_not_given_to_another_source() {
    for kind in ["child", "layer", "config"] {
        for runs in ["earlier", "same", "other row"] {
            let hosts = Hosts::start().await;
            let secret = image("secret", &[1, 2]);
            hosts.push_private(&secret, "team/secret").await;
            push_evil(&hosts.public, &secret, kind);
            let (private, evil) = (hosts.private_row("team/secret"), hosts.public_row("evil"));
            if runs != "same" {
                let report = hosts.sync(std::slice::from_ref(&private), &[]).await;
                assert_eq!(report.summary.copied, 1, "{report:#?}");
            }
            let report = match runs {
                "other row" => hosts.sync(std::slice::from_ref(&evil), &[private]).await,
                _ => hosts.sync(&[private, evil], &[]).await,
            };
            assert_eq!(report.summary.failed, 1, "{kind} {runs}: {report:#?}");
            let error = report.rows.last().unwrap().error.as_ref().unwrap();
            assert!(error.to_string().contains("source"), "{error}");
            assert!(hosts.target.tagged("mirror/evil", "v1").is_none());
            for blob in secret.blobs() {
                let given = hosts.target.blob("mirror/evil", blob.digest());
                assert!(given.is_none(), "{kind} {runs}: {}", blob.digest());
            }
            let given = hosts.target.manifest("mirror/evil", secret.digest());
            assert!(given.is_none(), "{kind} {runs}");
        }
    }
}

/// The private sources share layers, and prove each to the other once. The public source has one
/// of them, too.
#[tokio::test]
async fn shared_private_blob_is_mounted_after_one_proof() {
    let hosts = Hosts::start().await;
    hosts
        .push_private(&image("one", &[1, 2, 3]), "team/one")
        .await;
    hosts
        .push_private(&image("two", &[1, 2, 4]), "team/two")
        .await;
    image("open", &[3, 5]).push(&hosts.public, "open", Some("v1"));
    let mut rows = vec![hosts.private_row("team/one")];
    let report = hosts.sync(&rows, &[]).await;
    assert_eq!(report.summary.copied, 1, "{report:#?}");
    assert_eq!(hosts.private_proofs().await, 0);
    rows.push(hosts.private_row("team/two"));
    rows.push(hosts.public_row("open"));
    let report = hosts.sync(&rows, &[]).await;
    assert_eq!(report.summary.blobs_mounted, 3, "{report:#?}");
    assert_eq!(hosts.private_proofs().await, 2);
    assert_eq!(count(&hosts.public, "HEAD", "/blobs/"), 1);
}

/// Public content, and content of the same repository, costs no further request.
#[tokio::test]
async fn public_content_and_the_same_repository_need_no_proof() {
    let hosts = Hosts::start().await;
    hosts.push_private(&image("one", &[1, 2]), "team/one").await;
    let pusher = Pusher::new(&hosts.private.host()).basic(USER, PASSWORD);
    pusher
        .bundle(&image("newer", &[1, 3]), "team/one", Some("v2"))
        .await;
    image("open", &[1, 4]).push(&hosts.public, "open", Some("v1"));
    image("other", &[1, 5]).push(&hosts.public, "other", Some("v1"));
    let row = |tag: &str, name: &str| {
        Row::new(
            format!("{}/team/one:{tag}", hosts.private.host())
                .parse()
                .unwrap(),
            format!("{}/mirror/{name}:v1", hosts.target.host())
                .parse()
                .unwrap(),
        )
    };
    let rows = [row("v1", "one"), hosts.public_row("open")];
    hosts.sync(&rows[1..], &[]).await;
    let rows = [
        rows[1].clone(),
        rows[0].clone(),
        row("v2", "two"),
        hosts.public_row("other"),
    ];
    let report = hosts.sync(&rows, &[]).await;
    assert_eq!(
        (report.summary.unchanged, report.summary.copied),
        (1, 3),
        "{report:#?}"
    );
    assert_eq!(report.summary.blobs_mounted, 3, "{report:#?}");
    assert_eq!(hosts.private_proofs().await, 0);
    assert_eq!(count(&hosts.public, "HEAD", "/blobs/"), 0);
}
