//! Mounts: successful, refused or unsupported.

use embedded_registry::{Mounts, Registry};
use registry_client::{Mount, Support, TransferMonitor};
use testkit::processes::{Distribution, Version};
use testkit::proxy::{Action, FaultProxy, Rule};

use crate::setup::{
    Setup, blob_of, blob_transfer, faulty, noise, path, pull, push, start, transfer,
};

#[tokio::test]
async fn existing_blob_is_mounted_in_one_request() {
    let (source, _) = start().await;
    let bytes = noise(1, 300_000);
    let blob = blob_of(&bytes);
    source.put_blob("a", bytes);
    for version in [Version::V2, Version::V3] {
        let registry = Distribution::new().version(version).start().await;
        let proxy = FaultProxy::start(registry.address()).await;
        let client = Setup::new().client();
        let (from, base) = (
            pull(&client, &source.host(), "a"),
            push(&client, &proxy.host(), "base"),
        );
        transfer(&from, &base, &blob).await.unwrap();
        let app = push(&client, &proxy.host(), "app");
        proxy.clear_requests();
        assert!(matches!(
            app.mount(&blob.digest, &path("base")).await.unwrap(),
            Mount::Mounted
        ));
        assert_eq!(app.mount_support(), Support::Yes);
        assert_eq!(proxy.requests().len(), 1);
        assert!(app.has_blob(&blob).await.unwrap(), "{version:?}");
    }
}

#[tokio::test]
async fn declined_mount_becomes_an_upload_in_its_session() {
    let (target, proxy) = faulty(Registry::new().mounts(Mounts::Refused)).await;
    let (source, _) = start().await;
    let bytes = noise(1, 1000);
    source.put_blob("a", bytes.clone());
    let blob = blob_of(&bytes);
    let client = Setup::new().client();
    let (from, to) = (
        pull(&client, &source.host(), "a"),
        push(&client, &proxy.host(), "a"),
    );
    let Mount::Session(session) = to.mount(&blob.digest, &path("base")).await.unwrap() else {
        panic!("granted");
    };
    let monitor = std::sync::Arc::new(TransferMonitor::new(|_| ()));
    registry_client::transfer_blob(blob_transfer(&from, &to, &blob), session, monitor)
        .await
        .unwrap();
    assert_eq!(proxy.count("POST", ""), 1, "the session of the 202 is used");
    assert_eq!(target.blob("a", blob.digest.as_spec()), Some(bytes));
}

#[tokio::test]
async fn mount_of_another_digest_is_not_believed() {
    let (target, proxy) = start().await;
    let bytes = noise(1, 9);
    target.put_blob("base", bytes.clone());
    let other = blob_of(&noise(2, 9)).digest.to_string();
    let header = Action::SetHeader("docker-content-digest", other);
    proxy.add(Rule::new("POST", "mount=").does(header));
    let to = push(&Setup::new().client(), &proxy.host(), "a");
    let mount = to.mount(&blob_of(&bytes).digest, &path("base")).await;
    assert!(matches!(mount.unwrap(), Mount::Session(_)));
    assert_eq!(to.mount_support(), Support::Unknown);
}

#[tokio::test]
async fn refused_mount_is_followed_by_an_upload_request() {
    for status in [400, 401, 403, 404, 405] {
        let (_target, proxy) = start().await;
        proxy.add(Rule::new("POST", "mount=").does(Action::answer(status)));
        let to = push(&Setup::new().client(), &proxy.host(), "a");
        let mount = to
            .mount(&blob_of(&noise(1, 9)).digest, &path("base"))
            .await
            .unwrap();
        assert!(matches!(mount, Mount::Session(_)), "{status}");
        assert_eq!(proxy.count("POST", ""), 2, "{status}");
        assert_eq!(
            to.mount_support(),
            Support::Unknown,
            "that may be this blob's"
        );
    }
}
