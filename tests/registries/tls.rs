//! TLS: trusted certificate authorities and client certificates.

use std::fs;
use std::path::PathBuf;

use embedded_registry::Registry;
use embedded_registry::images::{Bundle, Platform, sample_image};
use testkit::certificates::Authority;
use testkit::clients::{Crane, Skopeo};
use testkit::processes::{Distribution, RegistryProcess, Version};

use crate::environment::{CommandOutput, TestEnvironment};

/// Two registries with certificates of one authority. The source has `app:v1`.
struct TlsMirror {
    environment: TestEnvironment,
    authority: Authority,
    image: Bundle,
    source: RegistryProcess,
    destination: RegistryProcess,
}

impl TlsMirror {
    /// Starts both registries. With `clients`, the destination requires a certificate of that authority.
    async fn new(clients: Option<&Authority>) -> Self {
        let authority = Authority::new("a company");
        let served = |version| Distribution::new().version(version).tls(authority.server());
        let destination = clients
            .iter()
            .fold(served(Version::V3), |destination, clients| {
                destination.client_certificates(clients)
            });
        let (source, destination) = (served(Version::V2).start().await, destination.start().await);
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
        let row = format!(
            "{}/app {}/mirror/app v1\n",
            source.host(),
            destination.host()
        );
        environment.write("images-list", row);
        Self {
            environment,
            authority,
            image,
            source,
            destination,
        }
    }

    /// Writes files to the directory for `--cert-dir`.
    fn write_cert_dir(&self, files: &[(&str, &str)]) -> PathBuf {
        let directory = self.environment.path("certificates");
        fs::create_dir_all(&directory).unwrap();
        for (name, text) in files {
            fs::write(directory.join(name), text).unwrap();
        }
        directory
    }

    fn run(&self, line: &str) -> CommandOutput {
        self.environment.mirror(line)
    }

    async fn assert_copied(&self, directory: PathBuf) {
        let reference = format!("{}/mirror/app:v1", self.destination.host());
        let skopeo = Skopeo::new().certificates(directory);
        let manifest = skopeo.manifest(&reference).await.unwrap();
        assert_eq!(manifest, self.image.root().bytes()[..]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cert_dir_adds_a_trusted_authority() {
    let mirror = TlsMirror::new(None).await;
    let directory = mirror.write_cert_dir(&[("ca.crt", mirror.authority.pem())]);
    mirror.run("sync --cert-dir certificates").exits(0);
    mirror.assert_copied(directory).await;
    let crane = Crane::new().trust(mirror.authority.pem());
    let reference = format!("{}/mirror/app:v1", mirror.destination.host());
    crane.validate(&reference).await.unwrap();
    // The same for commands that only read.
    mirror.run("compare --cert-dir certificates").exits(0);
    let line = format!("tags --cert-dir certificates {}/app", mirror.source.host());
    assert_eq!(mirror.run(&line).exits(0).stdout, "v1\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn ssl_cert_file_adds_a_trusted_authority() {
    let mut mirror = TlsMirror::new(None).await;
    let directory = mirror.write_cert_dir(&[("ca.crt", mirror.authority.pem())]);
    let file = directory.join("ca.crt");
    // Loopback hosts use plain HTTP by default.
    let table = |host: String| format!("[[registry]]\nlocation = \"{host}\"\ninsecure = false\n");
    let conf = table(mirror.source.host()) + &table(mirror.destination.host());
    mirror.environment.write("registries.conf", conf);
    let line = "sync --registries-conf registries.conf --output json";
    let refused = mirror.run(line).exits(3).json();
    let hint = refused["rows"][0]["error"]["hint"].as_str().unwrap();
    assert!(hint.contains("--cert-dir"), "{refused}");
    mirror.environment = mirror
        .environment
        .with_env("SSL_CERT_FILE", file.to_str().unwrap());
    mirror.run(line).exits(0);
    mirror.assert_copied(directory).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn untrusted_certificate_fails_unless_the_host_is_insecure() {
    let mirror = TlsMirror::new(None).await;
    let other = Authority::new("other company");
    mirror.write_cert_dir(&[("ca.crt", other.pem())]);
    let line = "sync --output json --cert-dir certificates";
    let refused = mirror.run(line).exits(3).json();
    let error = &refused["rows"][0]["error"];
    assert!(
        error["message"].as_str().unwrap().contains("certificate"),
        "{error}"
    );
    assert!(
        error["hint"].as_str().unwrap().contains("--cert-dir"),
        "{error}"
    );
    let requests = mirror.destination.requests().await;
    assert!(
        requests.is_empty(),
        "no request to an untrusted host: {requests:?}"
    );
    let (from, to) = (mirror.source.host(), mirror.destination.host());
    mirror.run(&format!("sync --insecure {from},{to}")).exits(0);
    let directory = mirror.write_cert_dir(&[("ca.crt", mirror.authority.pem())]);
    mirror.assert_copied(directory).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn client_certificate_is_sent_when_required() {
    let clients = Authority::new("clients");
    let mirror = TlsMirror::new(Some(&clients)).await;
    mirror.write_cert_dir(&[("ca.crt", mirror.authority.pem())]);
    let line = "sync --output json --cert-dir certificates";
    let without = mirror.run(line).exits(3).json();
    let error = &without["rows"][0]["error"];
    let message = error["message"].as_str().unwrap();
    assert!(message.contains(&mirror.destination.host()), "{message}");
    assert!(
        error["hint"].as_str().unwrap().contains("NAME.key"),
        "{error}"
    );
    assert!(
        without["summary"]["requests"].as_u64() <= Some(3),
        "a missing certificate is not retried: {without}"
    );
    let client = clients.client("ci");
    let directory = mirror.write_cert_dir(&[
        ("client.cert", client.certificate()),
        ("client.key", client.key()),
    ]);
    mirror.run(line).exits(0);
    mirror.assert_copied(directory).await;
    // The same registry as a source.
    let (from, to) = (mirror.destination.host(), mirror.source.host());
    let line = format!("copy --cert-dir certificates {from}/mirror/app:v1 {to}/back/app");
    mirror.run(&line).exits(0);
    let crane = Crane::new().trust(mirror.authority.pem());
    crane.validate(&format!("{to}/back/app:v1")).await.unwrap();
}
