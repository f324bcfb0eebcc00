//! What is pushed arrives as it is.

use embedded_registry::images::{Artifact, Format, Image, Index, Layer, Platform, digest_tag};
use http::Request;
use serde_json::Value;
use testkit::clients::Crane;
use testkit::fetch;
use testkit::processes::{Distribution, ReferrersRegistry, Storage, Version};
use testkit::push::Pusher;

#[tokio::test]
async fn bundles_arrive_in_every_registry() {
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
async fn the_referrers_registry_lists_referrers() {
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
    let answer = fetch(Request::get(url).body("").unwrap()).await;
    let index: Value = serde_json::from_slice(answer.body()).unwrap();
    assert_eq!(index["manifests"][0]["digest"], sbom.digest().as_ref());
    // A quirk of go-containerregistry v0.21.9, worth knowing where a filter is tested: it lists
    // the type of the config even where the manifest has an artifact type.
    let listed = &index["manifests"][0]["artifactType"];
    assert_eq!(listed, "application/vnd.oci.empty.v1+json");
}

#[tokio::test]
async fn generated_layers_are_what_their_digest_says() {
    let registry = Distribution::new()
        .storage(Storage::Files)
        .htpasswd("somebody", "secret")
        .start()
        .await;
    let host = registry.host();
    let pusher = Pusher::new(&host).basic("somebody", "secret");
    let digest = pusher.big_image("big", "v1", 7, &[5_000_000, 1]).await;
    let crane = Crane::new().credentials(&host, "somebody", "secret");
    assert_eq!(
        crane.digest(&format!("{host}/big:v1")).await.unwrap(),
        digest.as_ref()
    );
    // crane checks the digest of what it pulls.
    let layer = pusher.generated("big", 7, 5_000_000).await;
    let pulled = crane
        .run(&["blob", &format!("{host}/big@{layer}")])
        .await
        .unwrap();
    assert_eq!(pulled.len(), 5_000_000);
}
