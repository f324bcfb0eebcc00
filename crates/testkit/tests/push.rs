//! Pushed content arrives unchanged.

use embedded_registry::images::{Artifact, Format, Image, Index, Layer, Platform, digest_tag};
use http::Request;
use serde_json::Value;
use testkit::clients::Crane;
use testkit::fetch;
use testkit::processes::{Distribution, ReferrersRegistry, Storage, Version};
use testkit::push::Pusher;

#[tokio::test]
async fn pusher_pushes_bundles_to_every_registry() {
    let base = Layer::random(1, 3000).unwrap();
    let image = |platform| {
        Image::new(Format::Oci, platform)
            .layer(base.clone())
            .build()
    };
    let amd64 = image(Platform::linux("amd64"));
    let index = Index::new(Format::Oci)
        .attestation(&amd64)
        .child(amd64)
        .child(image(Platform::linux("arm").variant("v7")))
        .build()
        .rewritten(|text| format!("{text}\n"));
    let sbom = Artifact::new("application/vnd.example")
        .subject(&index)
        .build();
    for registry in [
        Distribution::new().start().await,
        Distribution::new().version(Version::V3).start().await,
        ReferrersRegistry::start().await,
    ] {
        let host = registry.host();
        let pusher = Pusher::new(&host);
        pusher.bundle(&index, "demo", Some("v1")).await;
        pusher
            .bundle(&sbom, "demo", Some(&digest_tag(index.digest(), None)))
            .await;
        let crane = Crane::new();
        let reference = format!("{host}/demo:v1");
        crane.validate(&reference).await.unwrap();
        assert_eq!(
            crane.manifest(&reference).await.unwrap(),
            *index.root().bytes()
        );
        let sbom_by_digest = format!("{host}/demo@{}", sbom.digest());
        assert_eq!(
            crane.manifest(&sbom_by_digest).await.unwrap(),
            *sbom.root().bytes()
        );
    }
}

#[tokio::test]
async fn referrers_registry_lists_referrers() {
    let registry = ReferrersRegistry::start().await;
    let pusher = Pusher::new(&registry.host());
    let image = Image::new(Format::Oci, Platform::linux("amd64")).build();
    pusher.bundle(&image, "demo", Some("v1")).await;
    let sbom = Artifact::new("application/vnd.example")
        .subject(&image)
        .build();
    pusher.bundle(&sbom, "demo", None).await;
    let url = format!(
        "http://{}/v2/demo/referrers/{}",
        registry.host(),
        image.digest()
    );
    let response = fetch(Request::get(url).body("").unwrap()).await;
    let index: Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!(index["manifests"][0]["digest"], sbom.digest().as_ref());
    // go-containerregistry v0.21.9 lists the media type of the config even if the manifest has an
    // artifact type.
    let listed = &index["manifests"][0]["artifactType"];
    assert_eq!(listed, "application/vnd.oci.empty.v1+json");
}

#[tokio::test]
async fn random_layers_match_their_digests() {
    let registry = Distribution::new()
        .storage(Storage::Files)
        .htpasswd("user", "secret")
        .start()
        .await;
    let host = registry.host();
    let pusher = Pusher::new(&host).basic("user", "secret");
    let digest = pusher.large_image("big", "v1", 7, &[5_000_000, 1]).await;
    let crane = Crane::new().credentials(&host, "user", "secret");
    assert_eq!(
        crane.digest(&format!("{host}/big:v1")).await.unwrap(),
        digest.as_ref()
    );
    // crane verifies the digests of pulled blobs.
    let layer = pusher.random_blob("big", 7, 5_000_000).await;
    let pulled = crane
        .run(&["blob", &format!("{host}/big@{layer}")])
        .await
        .unwrap();
    assert_eq!(pulled.len(), 5_000_000);
}
