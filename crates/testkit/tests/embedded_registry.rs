//! Independent clients against the embedded registry.
#![expect(clippy::unwrap_used, reason = "functions of the tests fail like tests")]

use embedded_registry::images::{
    Artifact, Bundle, Format, Image, Index, Layer, Platform, digest_tag, sample_image,
};
use embedded_registry::{Links, Mounts, Registry, RunningRegistry};
use testkit::clients::{Crane, Skopeo};

async fn start() -> RunningRegistry {
    Registry::new().access_log(10_000).start().await.unwrap()
}

fn layer(seed: u64) -> Layer {
    Layer::random(seed, 2000).unwrap()
}

/// Docker and OCI, arm variants, windows with a foreign layer, attestations, an index in an index.
fn odd_index() -> Bundle {
    let image = |format, platform, seed| {
        let image = Image::new(format, platform)
            .label("a", "b")
            .annotation("c", "d");
        image.layer(layer(0)).layer(layer(seed)).build()
    };
    let arm = |variant| Platform::linux("arm").variant(variant);
    let docker = Index::new(Format::Docker)
        .child(image(Format::Docker, arm("v6"), 1))
        .child(image(Format::Docker, arm("v7"), 2))
        .child(image(
            Format::Docker,
            Platform::linux("arm64").variant("v8"),
            3,
        ));
    let windows = Image::new(
        Format::Docker,
        Platform::windows("amd64", "10.0.20348.2402"),
    )
    .layer(layer(4).foreign("https://example.com/base"))
    .layer(layer(5))
    .build();
    let amd64 = image(Format::Oci, Platform::linux("amd64"), 6);
    Index::new(Format::Oci)
        .attestation(&amd64)
        .child(amd64)
        .child(windows)
        .child(docker.build())
        .annotation("odd", "yes")
        .build()
        .rewritten(|text| format!(" {}\n\n", text.replace(",\"", ",\n\t\"")))
}

#[tokio::test]
async fn crane_validates_sample_images() {
    let registry = start().await;
    let platforms = [Platform::linux("amd64"), Platform::linux("s390x")];
    let image = sample_image("demo", 1, &platforms, 3).unwrap();
    let digest = image.push(&registry, "library/demo", Some("v1"));
    let reference = format!("{}/library/demo:v1", registry.host());
    let crane = Crane::new();
    assert_eq!(crane.digest(&reference).await.unwrap(), digest.as_ref());
    crane.validate(&reference).await.unwrap();
    assert_eq!(
        crane
            .run(&["ls", reference.strip_suffix(":v1").unwrap()])
            .await
            .unwrap(),
        b"v1\n"
    );

    let blobs = image.blobs();
    let layer = blobs
        .iter()
        .find(|blob| blob.media_type().contains("tar"))
        .unwrap();
    registry.remove_blob("library/demo", layer.digest());
    crane.validate(&reference).await.unwrap_err();
}

#[tokio::test]
async fn crane_and_skopeo_copy_unusual_content_unchanged() {
    for (links, mounts) in [
        (Links::Relative, Mounts::Granted),
        (Links::Absolute, Mounts::Refused),
    ] {
        let source = start().await;
        let bundle = odd_index();
        bundle.push(&source, "odd", Some("v1"));
        let target = Registry::new()
            .links(links)
            .mounts(mounts)
            .start()
            .await
            .unwrap();
        let from = format!("{}/odd:v1", source.host());
        let crane = Crane::new();
        crane
            .copy(&from, &format!("{}/by-crane:v1", target.host()))
            .await
            .unwrap();
        for manifest in bundle.manifests() {
            let found = target.manifest("by-crane", manifest.digest()).unwrap();
            assert_eq!(&found.bytes, manifest.bytes());
            assert_eq!(found.media_type, manifest.media_type());
        }
        assert_eq!(
            &target.tagged("by-crane", "v1").unwrap().digest,
            bundle.digest()
        );

        // skopeo does not support nested indexes.
        let flat = sample_image("flat", 1, &[Platform::linux("amd64")], 2).unwrap();
        flat.push(&source, "flat", Some("v1"));
        let to = format!("{}/by-skopeo:v1", target.host());
        Skopeo::new()
            .copy(&format!("{}/flat:v1", source.host()), &to)
            .await
            .unwrap();
        assert_eq!(
            Skopeo::new().digest(&to).await.unwrap(),
            flat.digest().as_ref()
        );
        crane.validate(&to).await.unwrap();
    }
}

#[tokio::test]
async fn crane_mounts_blobs_of_another_repository() {
    let registry = start().await;
    let image = Image::new(Format::Oci, Platform::linux("amd64"))
        .layer(layer(1))
        .build();
    image.push(&registry, "first", Some("v1"));
    let host = registry.host();
    Crane::new()
        .copy(&format!("{host}/first:v1"), &format!("{host}/second:v1"))
        .await
        .unwrap();
    let requests = registry.requests();
    let mounted = requests
        .iter()
        .filter(|request| request.query.contains("mount="));
    assert!(mounted.clone().count() > 0, "{requests:#?}");
    assert!(
        mounted.clone().all(|request| request.status == 201),
        "{requests:#?}"
    );
    assert!(
        !requests.iter().any(|request| request.method == "PATCH"),
        "nothing was sent: {requests:#?}"
    );
}

#[tokio::test]
async fn artifacts_and_signatures_can_be_pulled() {
    let registry = start().await;
    let image = Image::new(Format::Oci, Platform::linux("amd64"))
        .layer(layer(1))
        .build();
    image.push(&registry, "signed", Some("v1"));
    let sbom = Artifact::new("application/vnd.example.sbom")
        .blob("application/spdx+json", "{}")
        .subject(&image)
        .annotation("made", "by a test")
        .build();
    sbom.push(&registry, "signed", None);
    let signature = Artifact::cosign_signature(image.digest()).build();
    signature.push(
        &registry,
        "signed",
        Some(&digest_tag(image.digest(), Some("sig"))),
    );

    let host = registry.host();
    let crane = Crane::new();
    let tag = digest_tag(image.digest(), Some("sig"));
    assert_eq!(
        crane
            .manifest(&format!("{host}/signed:{tag}"))
            .await
            .unwrap(),
        *signature.root().bytes()
    );
    assert_eq!(
        crane
            .manifest(&format!("{host}/signed@{}", sbom.digest()))
            .await
            .unwrap(),
        *sbom.root().bytes()
    );
}
