//! Attempted writes outside the write plan.

use std::sync::Arc;

use bytes::Bytes;
use copier::WritePlan;
use embedded_registry::RunningRegistry;
use image_name::{Digest, DigestTagKind, ManifestReference, RepositoryPath};
use registry_client::{Access, Client, Error, Manifest, Repository, sha256_digest};
use testkit::proxy::{Action, FaultProxy, Rule};

use super::super::run::{client, registry};

fn repository(client: &Client, host: &str, path: &str) -> Repository {
    let image = format!("{host}/{path}:x").parse().unwrap();
    client.destination(&image, Access::Push).unwrap()
}

fn reference(text: &str) -> ManifestReference {
    text.parse().unwrap()
}

/// Returns a client that may write `mirror/app:v1` of a host with its arch tags, and its plan.
fn planned(host: &str) -> (Client, Arc<WritePlan>) {
    let client = client();
    let mut plan = WritePlan::default();
    let target = repository(&client, host, "mirror/app");
    plan.add(&target, &reference("v1"), true);
    let plan = Arc::new(plan);
    (client.with_writes(Arc::clone(&plan) as _), plan)
}

fn manifest() -> Manifest {
    let text = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;
    let bytes = Bytes::from_static(text.as_bytes());
    Manifest {
        digest: sha256_digest(&bytes),
        media_type: "application/vnd.oci.image.index.v1+json".to_owned(),
        bytes,
    }
}

fn assert_not_sent<T: std::fmt::Debug>(what: &str, sent: Result<T, Error>) {
    assert!(
        matches!(sent, Err(Error::NotSent { .. })),
        "{what}: {sent:?}"
    );
}

fn assert_no_writes(registries: &[&RunningRegistry]) {
    for registry in registries {
        let writes = registry.requests();
        let writes: Vec<_> = writes.iter().filter(|it| it.method != "HEAD").collect();
        assert!(writes.is_empty(), "{writes:#?}");
    }
}

#[tokio::test]
async fn writes_outside_the_plan_are_not_sent() {
    let (target, other_host) = (registry().await, registry().await);
    let (client, plan) = planned(&target.host());
    let manifest = manifest();
    let app = repository(&client, &target.host(), "mirror/app");
    let own = sha256_digest(b"own");
    let foreign = sha256_digest(b"foreign");
    plan.add_digest_tags(&app, &own);
    // A repository that no row names gets no digest tags.
    let victim = repository(&client, &target.host(), "victim/app");
    plan.add_digest_tags(&victim, &own);

    for tag in [
        "prod".to_owned(),
        "v1-prod".to_owned(),
        "v1-riscv64".to_owned(),
        "v2-amd64".to_owned(),
        foreign.tag(DigestTagKind::Referrers).to_string(),
        foreign.tag(DigestTagKind::Signature).to_string(),
        format!("{}.other", own.tag(DigestTagKind::Referrers)),
    ] {
        assert_not_sent(&tag, app.put_manifest(reference(&tag), &manifest).await);
    }
    let elsewhere = repository(&client, &other_host.host(), "mirror/app");
    for (what, repository) in [
        ("another repository", &victim),
        ("another host", &elsewhere),
    ] {
        let tag = reference("v1");
        assert_not_sent(what, repository.put_manifest(&tag, &manifest).await);
        let digest = &manifest.digest;
        assert_not_sent(what, repository.put_manifest(digest, &manifest).await);
        assert_not_sent(what, repository.begin_upload().await);
        let from: RepositoryPath = "mirror/app".parse().unwrap();
        assert_not_sent(what, repository.mount(digest, &from).await);
        let signature = own.tag(DigestTagKind::Signature);
        assert_not_sent(what, repository.put_manifest(&signature, &manifest).await);
    }
    assert_no_writes(&[&target, &other_host]);

    for allowed in [
        reference("v1"),
        reference("v1-amd64"),
        own.tag(DigestTagKind::Signature).into(),
        Digest::clone(&manifest.digest).into(),
    ] {
        app.put_manifest(&allowed, &manifest).await.unwrap();
    }
    app.begin_upload().await.unwrap();
}

#[tokio::test]
async fn upload_sessions_outside_the_plan_are_not_used() {
    let (target, other_host) = (registry().await, registry().await);
    let proxy = FaultProxy::start(target.address()).await;
    let (client, _plan) = planned(&proxy.host());
    let app = repository(&client, &proxy.host(), "mirror/app");
    let session = app.begin_upload().await.unwrap();
    target.clear_requests();
    let api_elsewhere = format!("http://{}/v2/victim/app/manifests/prod", other_host.host());
    for location in [
        "/v2/victim/app/manifests/prod",
        "/v2/mirror/app/manifests/prod",
        "/v2/mirror/app/blobs/uploads/../../manifests/prod",
        "/api/v2.0/users",
        &api_elsewhere,
    ] {
        proxy.clear_rules();
        let begun = Action::answer(202).header("location", location);
        proxy.add(Rule::new("POST", "/uploads/").does(begun));
        assert_not_sent(location, app.begin_upload().await);
        // The cancellation of a session does not follow a redirect either.
        let moved = Action::answer(307).header("location", location);
        proxy.add(Rule::new("DELETE", "").does(moved));
        app.cancel_upload(session.clone()).await;
    }
    assert_no_writes(&[&target, &other_host]);
}

#[tokio::test]
async fn client_without_a_plan_writes_nothing() {
    let target = registry().await;
    let client = client();
    let app = repository(&client, &target.host(), "mirror/app");
    let put = app.put_manifest(reference("v1"), &manifest()).await;
    assert_not_sent("no plan", put);
    assert_not_sent("no plan", app.begin_upload().await);
    assert_no_writes(&[&target]);
}
