//! Over TLS: whom to trust, and as whom to appear.

use std::fs;
use std::path::PathBuf;

use embedded_registry::Registry;
use embedded_registry::images::{Bundle, Platform, sample_image};
use testkit::certificates::Authority;
use testkit::clients::{Crane, Skopeo};
use testkit::processes::{Distribution, RegistryProcess, Version};
use tokio::task::block_in_place;

use crate::environment::{Finished, TestEnvironment};

/// Two registries with certificates of one authority. `app:v1` is at the source.
struct Secure {
    environment: TestEnvironment,
    authority: Authority,
    image: Bundle,
    source: RegistryProcess,
    target: RegistryProcess,
}

impl Secure {
    /// `clients`: the destination wants to see a certificate of theirs.
    async fn new(clients: Option<&Authority>) -> Self {
        let authority = Authority::new("a company");
        let served = |version| Distribution::new().version(version).tls(authority.server());
        let target = clients.iter().fold(served(Version::V3), |target, clients| {
            target.client_certificates(clients)
        });
        let (source, target) = (served(Version::V2).start().await, target.start().await);
        let platforms = [Platform::linux("amd64"), Platform::linux("arm64")];
        let image = sample_image("app", 1, &platforms, 2).unwrap();
        let seed = Registry::new().start().await.unwrap();
        image.push(&seed, "app", Some("v1"));
        let crane = Crane::new().trust(authority.pem());
        let from = format!("{}/app:v1", seed.host());
        crane
            .copy(&from, &format!("{}/app:v1", source.host()))
            .await
            .unwrap();
        let environment = TestEnvironment::new();
        let row = format!("{}/app {}/mirror/app v1\n", source.host(), target.host());
        environment.write("images-list", row);
        Self {
            environment,
            authority,
            image,
            source,
            target,
        }
    }

    /// A folder for `--cert-dir`.
    fn folder(&self, files: &[(&str, &str)]) -> PathBuf {
        let folder = self.environment.path("certificates");
        fs::create_dir_all(&folder).unwrap();
        for (name, text) in files {
            fs::write(folder.join(name), text).unwrap();
        }
        folder
    }

    fn mirror(&self, line: &str) -> Finished {
        block_in_place(|| self.environment.mirror(line))
    }

    async fn has_arrived(&self, folder: PathBuf) {
        let reference = format!("{}/mirror/app:v1", self.target.host());
        let skopeo = Skopeo::new().certificates(folder);
        let manifest = skopeo.manifest(&reference).await.unwrap();
        assert_eq!(manifest, self.image.root().bytes()[..]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_in_a_folder() {
    let secure = Secure::new(None).await;
    let folder = secure.folder(&[("ca.crt", secure.authority.pem())]);
    secure.mirror("sync --cert-dir certificates").exits(0);
    secure.has_arrived(folder).await;
    let crane = Crane::new().trust(secure.authority.pem());
    let reference = format!("{}/mirror/app:v1", secure.target.host());
    crane.validate(&reference).await.unwrap();
    // The same for the commands that only look.
    secure.mirror("compare --cert-dir certificates").exits(0);
    let line = format!("tags --cert-dir certificates {}/app", secure.source.host());
    assert_eq!(secure.mirror(&line).exits(0).stdout, "v1\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_in_the_environment() {
    let mut secure = Secure::new(None).await;
    let folder = secure.folder(&[("ca.crt", secure.authority.pem())]);
    let file = folder.join("ca.crt");
    // Without this, loopback is plain HTTP.
    let table = |host: String| format!("[[registry]]\nlocation = \"{host}\"\ninsecure = false\n");
    let conf = table(secure.source.host()) + &table(secure.target.host());
    secure.environment.write("registries.conf", conf);
    let line = "sync --registries-conf registries.conf --output json";
    let refused = secure.mirror(line).exits(3).json();
    let hint = refused["rows"][0]["error"]["hint"].as_str().unwrap();
    assert!(hint.contains("--cert-dir"), "{refused}");
    secure.environment = secure
        .environment
        .with("SSL_CERT_FILE", file.to_str().unwrap());
    secure.mirror(line).exits(0);
    secure.has_arrived(folder).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_s_certificate_is_refused_unless_the_host_is_named_insecure() {
    let secure = Secure::new(None).await;
    let other = Authority::new("somebody else");
    secure.folder(&[("ca.crt", other.pem())]);
    let line = "sync --output json --cert-dir certificates";
    let refused = secure.mirror(line).exits(3).json();
    let error = &refused["rows"][0]["error"];
    assert!(
        error["message"].as_str().unwrap().contains("certificate"),
        "{error}"
    );
    assert!(
        error["hint"].as_str().unwrap().contains("--cert-dir"),
        "{error}"
    );
    let requests = secure.target.requests().await;
    assert!(
        requests.is_empty(),
        "nothing is sent to a stranger: {requests:?}"
    );
    let (from, to) = (secure.source.host(), secure.target.host());
    secure
        .mirror(&format!("sync --insecure {from},{to}"))
        .exits(0);
    let folder = secure.folder(&[("ca.crt", secure.authority.pem())]);
    secure.has_arrived(folder).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_certificate_is_shown_where_it_is_asked_for() {
    let clients = Authority::new("clients");
    let secure = Secure::new(Some(&clients)).await;
    secure.folder(&[("ca.crt", secure.authority.pem())]);
    let line = "sync --output json --cert-dir certificates";
    let without = secure.mirror(line).exits(3).json();
    let error = &without["rows"][0]["error"];
    let message = error["message"].as_str().unwrap();
    assert!(message.contains(&secure.target.host()), "{message}");
    assert!(
        error["hint"].as_str().unwrap().contains("NAME.key"),
        "{error}"
    );
    assert!(
        without["summary"]["requests"].as_u64() <= Some(3),
        "tried again: {without}"
    );
    let client = clients.client("ci");
    let folder = secure.folder(&[
        ("client.cert", client.certificate()),
        ("client.key", client.key()),
    ]);
    secure.mirror(line).exits(0);
    secure.has_arrived(folder).await;
    // And as a source.
    let (from, to) = (secure.target.host(), secure.source.host());
    let line = format!("copy --cert-dir certificates {from}/mirror/app:v1 {to}/back/app");
    secure.mirror(&line).exits(0);
    let crane = Crane::new().trust(secure.authority.pem());
    crane.validate(&format!("{to}/back/app:v1")).await.unwrap();
}
