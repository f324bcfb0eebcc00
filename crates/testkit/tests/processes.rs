//! The registry processes start as configured and log requests.
#![expect(clippy::unwrap_used, reason = "functions of the tests fail like tests")]

use embedded_registry::Registry;
use testkit::certificates::Authority;
use testkit::clients::{Crane, Skopeo};
use testkit::processes::{Distribution, ReferrersRegistry, Storage, Version};

/// Pushes an index without children, which every registry accepts.
async fn push_empty_index(crane: &Crane, host: &str) -> Result<(), String> {
    let source = Registry::new().start().await.unwrap();
    let index = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;
    let media_type = "application/vnd.oci.image.index.v1+json";
    source.put_manifest("empty", Some("v1"), media_type, index.into());
    let from = format!("{}/empty:v1", source.host());
    crane
        .copy(&from, &format!("{host}/empty:v1"))
        .await
        .map_err(|failed| failed.stderr)
}

#[tokio::test]
async fn every_registry_accepts_and_logs_a_push() {
    let mut registries = vec![
        Distribution::new().start().await,
        Distribution::new().version(Version::V3).start().await,
        Distribution::new().storage(Storage::Files).start().await,
        ReferrersRegistry::start().await,
    ];
    let crane = Crane::new();
    for registry in &mut registries {
        push_empty_index(&crane, &registry.host()).await.unwrap();
        let requests = registry.requests().await;
        let puts = requests
            .iter()
            .filter(|request| request.method == "PUT" && request.path == "/v2/empty/manifests/v1");
        assert_eq!(puts.count(), 1, "{requests:#?}");
        registry.clear_requests().await;
        assert_eq!(registry.requests().await, [], "cleared");
        let reference = format!("{}/empty:v1", registry.host());
        let (ours, theirs) = (
            Skopeo::new().digest(&reference).await,
            crane.digest(&reference).await,
        );
        assert_eq!(ours, theirs);
        assert!(
            !registry.requests().await.is_empty(),
            "no requests after clear_requests"
        );
    }
    assert!(
        registries[2]
            .directory()
            .join("storage/docker/registry/v2/repositories/empty")
            .is_dir()
    );
}

#[tokio::test]
async fn registry_starts_with_a_copy_of_files_of_another() {
    let first = Distribution::new().storage(Storage::Files).start().await;
    let crane = Crane::new();
    push_empty_index(&crane, &first.host()).await.unwrap();
    let files = first.directory().join("storage");
    let second = Distribution::new().files_of(&files).start().await;
    let copy = |host: String| format!("{host}/empty:copy");
    let from = format!("{}/empty:v1", second.host());
    crane.copy(&from, &copy(second.host())).await.unwrap();
    crane.digest(&copy(second.host())).await.unwrap();
    crane.digest(&copy(first.host())).await.unwrap_err();
}

#[tokio::test]
async fn registries_with_shared_files_have_the_same_content() {
    let guarded = Distribution::new().storage(Storage::Files);
    let guarded = guarded.htpasswd("user", "secret").start().await;
    let open = Distribution::new().files_shared_with(&guarded);
    let open = open.version(Version::V3).start().await;
    push_empty_index(&Crane::new(), &open.host()).await.unwrap();
    let reference = format!("{}/empty:v1", guarded.host());
    let crane = Crane::new().credentials(&guarded.host(), "user", "secret");
    crane.digest(&reference).await.unwrap();
    Crane::new().digest(&reference).await.unwrap_err();
}

#[tokio::test]
async fn registry_with_htpasswd_requires_credentials() {
    let registry = Distribution::new()
        .htpasswd("first", "one")
        .htpasswd("second", "two")
        .start()
        .await;
    let host = registry.host();
    for (user, password, accepted) in [
        ("first", "one", true),
        ("second", "two", true),
        ("second", "one", false),
    ] {
        let crane = Crane::new().credentials(&host, user, password);
        let pushed = push_empty_index(&crane, &host).await;
        assert_eq!(pushed.is_ok(), accepted, "{user}:{password} {pushed:?}");
    }
    assert!(
        push_empty_index(&Crane::new(), &host).await.is_err(),
        "anonymous"
    );
}

#[tokio::test]
async fn clients_accept_tls_only_from_a_trusted_authority() {
    let authority = Authority::new("tests");
    let registry = Distribution::new().tls(authority.server()).start().await;
    let host = registry.host();
    push_empty_index(&Crane::new().trust(authority.pem()), &host)
        .await
        .unwrap();

    let other = Authority::new("other");
    let directory = tempfile::tempdir().unwrap();
    let reference = format!("{host}/empty:v1");
    let trusted = authority.write_certs_d(&directory.path().join("good"), &host, None);
    let untrusted = other.write_certs_d(&directory.path().join("bad"), &host, None);
    Skopeo::new()
        .certificates(trusted)
        .digest(&reference)
        .await
        .unwrap();
    let refused = Skopeo::new()
        .certificates(untrusted)
        .digest(&reference)
        .await
        .unwrap_err();
    assert!(
        refused.stderr.contains("unknown authority"),
        "{}",
        refused.stderr
    );
}

#[tokio::test]
async fn registry_requires_a_client_certificate() {
    let authority = Authority::new("tests");
    let registry = Distribution::new()
        .tls(authority.server())
        .client_certificates(&authority)
        .start()
        .await;
    let host = registry.host();
    let reference = format!("{host}/empty:v1");
    let directory = tempfile::tempdir().unwrap();
    let client = authority.client("user");
    let with = authority.write_certs_d(&directory.path().join("with"), &host, Some(&client));
    let without = authority.write_certs_d(&directory.path().join("without"), &host, None);

    let known = Skopeo::new()
        .certificates(with)
        .digest(&reference)
        .await
        .unwrap_err();
    assert!(
        known.stderr.contains("unknown"),
        "let in, nothing there: {}",
        known.stderr
    );
    let refused = Skopeo::new()
        .certificates(without)
        .digest(&reference)
        .await
        .unwrap_err();
    assert!(refused.stderr.contains("tls: "), "{}", refused.stderr);
}
