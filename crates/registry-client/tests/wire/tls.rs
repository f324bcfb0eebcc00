//! TLS: trusted roots and client certificates.

use std::process::Command;
use std::time::Instant;

use registry_client::{Error, TlsFailure};
use testkit::certificates::{Authority, Certificate};
use testkit::processes::Distribution;

use crate::setup::{Setup, blob_of, noise, pull, push, tag, transfer};

#[tokio::test]
async fn private_authority_and_client_certificate_are_accepted() {
    let (servers, clients) = (Authority::new("servers"), Authority::new("clients"));
    let registry = Distribution::new()
        .tls(servers.server())
        .client_certificates(&clients)
        .start()
        .await;
    let directory = tempfile::tempdir().unwrap();
    let mut setup = Setup::new();
    setup.certs_d = vec![directory.path().into()];

    servers.write_certs_d(directory.path(), &registry.host(), None);
    let client = setup.client();
    let without = pull(&client, &registry.host(), "a")
        .head_manifest(tag("1"))
        .await;
    let error = without.unwrap_err();
    assert!(matches!(error, Error::Tls { .. }), "{error:?}");
    let attempts = client.requests();
    assert!(
        attempts < 3,
        "{attempts} attempts: refused trust is retried"
    );

    servers.write_certs_d(
        directory.path(),
        &registry.host(),
        Some(&clients.client("us")),
    );
    let client = setup.client();
    let target = push(&client, &registry.host(), "a");
    let source = Distribution::new().start().await;
    let bytes = noise(1, 300_000);
    let blob = blob_of(&bytes);
    let origin = push(&client, &source.host(), "a");
    testkit_put(&source.host(), &bytes).await;
    transfer(&origin, &target, &blob).await.unwrap();
    assert!(target.has_blob(&blob).await.unwrap(), "over TLS, streamed");
}

/// Puts a blob by means of our own client: through a registry in memory.
async fn testkit_put(host: &str, bytes: &bytes::Bytes) {
    let memory = embedded_registry::Registry::new().start().await.unwrap();
    memory.put_blob("a", bytes.clone());
    let client = Setup::new().client();
    let (from, to) = (pull(&client, &memory.host(), "a"), push(&client, host, "a"));
    transfer(&from, &to, &blob_of(bytes)).await.unwrap();
}

#[tokio::test]
async fn self_signed_certificate_in_the_directory_is_accepted_as_itself() {
    let own = Certificate::self_signed(&["127.0.0.1"]);
    let other = Certificate::self_signed(&["127.0.0.1"]);
    let misnamed = Certificate::self_signed(&["other.example"]);
    for (served, trusted, expected) in [
        (&own, &own, None),
        (&own, &other, Some(TlsFailure::UntrustedCertificate)),
        (&misnamed, &misnamed, Some(TlsFailure::CertificateName)),
    ] {
        let registry = Distribution::new().tls(served.clone()).start().await;
        let directory = tempfile::tempdir().unwrap();
        let certificates = directory.path().join(registry.host());
        std::fs::create_dir(&certificates).unwrap();
        std::fs::write(certificates.join("ca.crt"), trusted.certificate()).unwrap();
        let mut setup = Setup::new();
        setup.certs_d = vec![directory.path().into()];
        let found = pull(&setup.client(), &registry.host(), "a")
            .head_manifest(tag("1"))
            .await;
        let failure = found.err().map(|error| match error {
            Error::Tls { failure, .. } => failure,
            error => panic!("{error:?}"),
        });
        assert_eq!(failure, expected);
    }
}

#[tokio::test]
async fn unknown_authority_fails_without_a_retry() {
    let registry = Distribution::new()
        .tls(Authority::new("unknown").server())
        .start()
        .await;
    let mut setup = Setup::new();
    setup.conf = format!(
        "[[registry]]\nlocation = \"{}\"\ninsecure = false\n",
        registry.host()
    );
    let client = setup.client();
    let refused = pull(&client, &registry.host(), "a")
        .head_manifest(tag("1"))
        .await;
    let error = refused.unwrap_err();
    assert!(matches!(error, Error::Tls { .. }), "{error:?}");
    assert!(error.to_string().contains("certificate"), "{error}");
    assert_eq!(
        client.requests(),
        1,
        "a certificate does not get better by asking"
    );
}

#[tokio::test]
async fn ssl_cert_file_is_trusted_beside_the_certificates_of_a_host() {
    let authority = Authority::new("system");
    let registry = Distribution::new().tls(authority.server()).start().await;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("roots.pem");
    std::fs::write(&file, authority.pem()).unwrap();
    let other = Authority::new("another");
    other.write_certs_d(directory.path(), &registry.host(), None);
    for certs_d in ["/nonexistent", directory.path().to_str().unwrap()] {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "tls::child_of_ssl_cert_file", "--ignored"])
            .env("SSL_CERT_FILE", &file)
            .env("MIRROR_TEST_HOST", registry.host())
            .env("MIRROR_TEST_CERTS", certs_d)
            .output()
            .unwrap();
        assert!(child.status.success(), "{child:?}");
        let shown = String::from_utf8_lossy(&child.stdout);
        assert!(shown.contains("1 passed"), "{shown}");
    }
}

/// In its own process, since the environment is shared.
#[tokio::test]
#[ignore = "run by ssl_cert_file_is_trusted_beside_the_certificates_of_a_host"]
async fn child_of_ssl_cert_file() {
    let host = std::env::var("MIRROR_TEST_HOST").unwrap();
    let mut setup = Setup::new();
    setup.certs_d = vec![std::env::var("MIRROR_TEST_CERTS").unwrap().into()];
    setup.conf = format!("[[registry]]\nlocation = \"{host}\"\ninsecure = false\n");
    let found = pull(&setup.client(), &host, "a")
        .head_manifest(tag("1"))
        .await;
    assert!(found.unwrap().is_none());
}

#[tokio::test]
async fn client_of_a_host_does_not_read_the_system_roots() {
    let client = Setup::new().client();
    let begun = Instant::now();
    for number in 0..100 {
        client
            .sources(&format!("r{number}.example.com/a:1").parse().unwrap())
            .unwrap();
    }
    let each = begun.elapsed() / 100;
    // Reading the system roots takes tens of milliseconds in this build.
    assert!(each.as_millis() < 5, "{each:?}");
}
