//! The client of the tests, and steps that most tests share.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use embedded_registry::{Registry, RunningRegistry};
use image_name::{ManifestReference, RepositoryPath, Tag};
use registry_client::credentials::{CredentialFile, CredentialSources, CredentialStore, Helpers};
use registry_client::registries_conf::RegistriesConf;
use registry_client::trust::Trust;
use registry_client::{
    Access, Blob, BlobTransfer, Client, Proxies, Repository, RetryPolicy, Timeouts, TransferError,
    TransferMonitor, VendorCredentials, Write, WritePolicy, sha256_digest, transfer_blob,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::proxy::FaultProxy;

/// Timeouts that no test waits for, too long for a busy machine to exceed.
fn timeouts() -> Timeouts {
    Timeouts {
        connect: Duration::from_secs(60),
        first_byte: Duration::from_secs(60),
        stall: Duration::from_secs(60),
        ..Timeouts::default()
    }
}

/// Short timeouts, for peers that stall.
fn short_timeouts() -> Timeouts {
    Timeouts {
        first_byte: Duration::from_millis(400),
        stall: Duration::from_millis(400),
        commit: Duration::from_millis(400),
        ..timeouts()
    }
}

fn retry_policy() -> RetryPolicy {
    RetryPolicy {
        max_attempts: 3,
        max_elapsed: Duration::from_secs(20),
        initial_backoff: Duration::from_millis(10),
        max_wait: Duration::from_secs(4),
    }
}

/// The settings of a client.
pub struct Setup {
    pub timeouts: Timeouts,
    pub retry_policy: RetryPolicy,
    pub jobs: usize,
    pub conf: String,
    pub cert_dir: Option<PathBuf>,
    pub certs_d: Vec<PathBuf>,
    pub helpers: PathBuf,
    pub proxies: Proxies,
    pub vendor_credentials: VendorCredentials,
    auth: Value,
    directory: Arc<TempDir>,
}

/// A client and the files that it reads when it needs them.
#[derive(Debug)]
pub struct TestClient {
    client: Client,
    _directory: Arc<TempDir>,
}

impl std::ops::Deref for TestClient {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Setup {
    pub fn new() -> Self {
        Self {
            timeouts: timeouts(),
            retry_policy: retry_policy(),
            jobs: 32,
            conf: String::new(),
            cert_dir: None,
            certs_d: Vec::new(),
            helpers: PathBuf::new(),
            proxies: Proxies::default(),
            vendor_credentials: VendorCredentials::default(),
            auth: json!({}),
            directory: Arc::new(tempfile::tempdir().unwrap()),
        }
    }

    pub fn with_short_timeouts() -> Self {
        Self {
            timeouts: short_timeouts(),
            ..Self::new()
        }
    }

    /// Stores a user for a host or a path of one.
    pub fn login(mut self, key: &str, user: &str, password: &str) -> Self {
        let auth = BASE64_STANDARD.encode(format!("{user}:{password}"));
        self.auth["auths"][key] = json!({ "auth": auth });
        self
    }

    /// Sets another entry of the auth file.
    pub fn auth(mut self, pointer: [&str; 2], value: Value) -> Self {
        self.auth[pointer[0]][pointer[1]] = value;
        self
    }

    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub fn client(&self) -> TestClient {
        let file = self.directory.path().join("auth.json");
        std::fs::write(&file, self.auth.to_string()).unwrap();
        let path = format!("{}:/usr/bin:/bin", self.helpers.display());
        let conf = RegistriesConf::parse(&self.conf).unwrap();
        let sources = CredentialSources {
            files: vec![CredentialFile::required(file)],
            helpers: Helpers::new(path),
        };
        let client = Client::builder()
            .registries_conf(conf)
            .credentials(CredentialStore::new(sources))
            .trust(Trust::new(self.cert_dir.clone(), self.certs_d.clone()))
            .proxies(self.proxies.clone())
            .vendor_credentials(self.vendor_credentials.clone())
            .timeouts(self.timeouts.clone())
            .retry_policy(self.retry_policy.clone())
            .requests_per_host(self.jobs);
        TestClient {
            client: client.build(),
            _directory: Arc::clone(&self.directory),
        }
    }
}

/// Returns the repository `HOST/NAME` for reads.
pub fn pull(client: &Client, host: &str, name: &str) -> Repository {
    let reference = format!("{host}/{name}:x").parse().unwrap();
    client.sources(&reference).unwrap().pop().unwrap()
}

/// Returns the repository `HOST/NAME` for any write.
pub fn push(client: &Client, host: &str, name: &str) -> Repository {
    let reference = format!("{host}/{name}:x").parse().unwrap();
    let client = client.with_writes(Arc::new(AllWrites));
    client.destination(&reference, Access::Push).unwrap()
}

/// The policy of a client that may write anything.
#[derive(Debug)]
struct AllWrites;

impl WritePolicy for AllWrites {
    fn allows(&self, _: &Write<'_>) -> bool {
        true
    }
}

pub fn tag(text: &str) -> Tag {
    text.parse().unwrap()
}

pub fn manifest_reference(text: &str) -> ManifestReference {
    text.parse().unwrap()
}

pub fn path(text: &str) -> RepositoryPath {
    text.parse().unwrap()
}

/// Starts a registry in memory with an access log, behind a proxy.
pub async fn faulty(options: Registry) -> (RunningRegistry, FaultProxy) {
    let registry = options.access_log(10_000).start().await.unwrap();
    let proxy = FaultProxy::start(registry.address()).await;
    (registry, proxy)
}

pub async fn start() -> (RunningRegistry, FaultProxy) {
    faulty(Registry::new()).await
}

/// Returns pseudorandom bytes.
pub fn noise(seed: u64, size: usize) -> Bytes {
    let mut bytes = vec![0; size];
    fastrand::Rng::with_seed(seed).fill(&mut bytes);
    bytes.into()
}

pub fn blob_of(bytes: &Bytes) -> Blob {
    Blob {
        digest: sha256_digest(bytes),
        size: bytes.len() as u64,
    }
}

/// The media type of a manifest without dependencies.
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";

pub fn index(marker: &str) -> Bytes {
    json!({
        "schemaVersion": 2, "mediaType": INDEX, "manifests": [],
        "annotations": {"marker": marker},
    })
    .to_string()
    .into()
}

/// Transfers a blob in a new session.
pub async fn transfer(
    from: &Repository,
    to: &Repository,
    blob: &Blob,
) -> Result<(), TransferError> {
    let session = to.begin_upload().await.expect("begin an upload");
    let monitor = Arc::new(TransferMonitor::new(|_| ()));
    transfer_blob(blob_transfer(from, to, blob), session, monitor).await
}

/// Returns a transfer that shares its read with no other.
pub fn blob_transfer<'a>(
    source: &'a Repository,
    destination: &'a Repository,
    blob: &'a Blob,
) -> BlobTransfer<'a> {
    BlobTransfer {
        content: None,
        source,
        destination,
        blob,
        expected: None,
    }
}

/// Reads a blob to its end.
pub async fn read(repository: &Repository, blob: &Blob) -> Result<Vec<u8>, registry_client::Error> {
    let mut reader = repository.read_blob(blob);
    let mut all = Vec::new();
    while let Some(piece) = reader.next().await? {
        all.extend_from_slice(&piece);
    }
    Ok(all)
}

/// Returns the number of pings, which the client must never send.
pub fn pings(proxy: &FaultProxy) -> usize {
    let requests = proxy.requests();
    requests
        .iter()
        .filter(|r| r.path == "/v2/" || r.path == "/v2")
        .count()
}
