//! Content of every kind arrives byte for byte.

use embedded_registry::images::{
    Artifact, Bundle, Content, Format, Image, Index, Layer, Platform, sample_image,
};
use http::Request;
use testkit::clients::{Crane, Skopeo};
use testkit::fetch;

use super::registry_pair::{RegistryKind, RegistryPair, assert_content, assert_root};
use crate::environment::column;

/// The URL of a foreign layer, which no registry has.
const FOREIGN: &str = "https://windows.example.com/base.tar.gz";

fn layer(seed: u64) -> Layer {
    Layer::random(seed, 3000).unwrap()
}

fn image(format: Format, platform: Platform, seed: u64) -> Bundle {
    let image = Image::new(format, platform).layer(layer(0));
    image.layer(layer(seed)).build()
}

fn multi_platform(format: Format) -> Bundle {
    let arm = |variant| Platform::linux("arm").variant(variant);
    let platforms = [
        Platform::linux("amd64"),
        Platform::linux("arm64").variant("v8"),
        arm("v6"),
        arm("v7"),
        Platform::windows("amd64", "10.0.17763.6893"),
        Platform::windows("amd64", "10.0.20348.2402"),
    ];
    let mut index = Index::new(format);
    for (seed, platform) in (1..).zip(platforms) {
        index = index.child(image(format, platform, seed));
    }
    index.build()
}

fn nested() -> Bundle {
    let inner = Index::new(Format::Oci)
        .child(image(Format::Oci, Platform::linux("s390x"), 11))
        .child(image(Format::Docker, Platform::linux("ppc64le"), 12))
        .build();
    let outer = Index::new(Format::Oci).child(inner);
    outer
        .child(image(Format::Oci, Platform::linux("amd64"), 13))
        .annotation("org.opencontainers.image.ref.name", "nested")
        .build()
}

fn windows() -> Bundle {
    let platform = Platform::windows("amd64", "10.0.20348.2402");
    let base = layer(20).foreign(FOREIGN);
    let image = Image::new(Format::Docker, platform).layer(base);
    let image = image.layer(layer(21)).build();
    Index::new(Format::Docker).child(image).build()
}

/// Manifests with whitespace, unknown fields and line ends that no serializer would reproduce.
fn oddly_formatted() -> Bundle {
    let child = image(Format::Oci, Platform::linux("amd64"), 30).rewritten(|text| {
        let text = text.replacen(':', " :\t", 3);
        format!("\n  {text}\r\n\r\n")
    });
    let index = Index::new(Format::Oci).child(child).build();
    index.rewritten(|text| {
        let unknown = "\"x-unknown\": 1.50, \"x-unicode\": \"\\u00e9é\", ";
        format!("{{ {unknown}{}\n\n", &text[1..])
    })
}

fn with_empty_layer() -> Bundle {
    let empty = Layer::typed(Format::Oci.layer(), "");
    let image = Image::new(Format::Oci, Platform::linux("amd64")).layer(empty);
    image.layer(layer(40)).build()
}

fn chart() -> Bundle {
    let config = Artifact::image(
        "application/vnd.cncf.helm.config.v1+json",
        "{\"name\":\"c\"}",
    );
    let layer = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";
    config.blob(layer, "no archive at all").build()
}

fn model() -> Bundle {
    let artifact = Artifact::new("application/vnd.example.model");
    let artifact = artifact.annotation("com.example.key", "value");
    artifact
        .blob("application/vnd.example.weights.v0", vec![0, 159, 146, 150])
        .blob("not/even+a;type=1", "second")
        .build()
}

/// Content that `crane validate` supports.
fn images() -> Vec<(&'static str, Bundle)> {
    let platforms = [Platform::linux("amd64"), Platform::linux("arm64")];
    vec![
        (
            "docker/image",
            image(Format::Docker, Platform::linux("amd64"), 1),
        ),
        ("docker/list", multi_platform(Format::Docker)),
        ("oci/image", image(Format::Oci, Platform::linux("amd64"), 1)),
        ("oci/index", multi_platform(Format::Oci)),
        ("oci/written-oddly", oddly_formatted()),
        ("attested", sample_image("a", 1, &platforms, 2).unwrap()),
        (
            "team/a/deep/er/name",
            sample_image("b", 1, &platforms, 2).unwrap(),
        ),
    ]
}

/// Content that `crane validate` does not support.
fn other_content() -> Vec<(&'static str, Bundle)> {
    vec![
        ("nested", nested()),
        ("empty-layer", with_empty_layer()),
        ("chart", chart()),
        ("model", model()),
    ]
}

async fn assert_copies_everything(source: RegistryKind, destination: RegistryKind) {
    let pair = RegistryPair::start(source, destination).await;
    let (images, other_content) = (images(), other_content());
    let all: Vec<_> = images.iter().chain(&other_content).collect();
    for (name, bundle) in &all {
        pair.push(bundle, name, Some("v1")).await;
    }
    let rows: Vec<_> = all.iter().map(|(name, _)| (*name, "v1")).collect();
    pair.write_list(&rows);
    let document = pair.sync("", 0);
    assert_eq!(column(&document, "status"), vec!["copied"; all.len()]);
    for ((name, bundle), digest) in all.iter().zip(column(&document, "digest")) {
        assert_eq!(digest, bundle.digest().as_ref(), "{name}");
        assert_root(&pair.to(&format!("{name}:v1")), bundle).await;
        assert_content(&pair.to(name), bundle).await;
    }
    for (name, _) in &images {
        let reference = pair.to(&format!("{name}:v1"));
        Crane::new().validate(&reference).await.unwrap();
    }
    let again = pair.sync("", 0);
    assert_eq!(column(&again, "status"), vec!["unchanged"; all.len()]);
    assert_eq!(again["summary"]["bytes_copied"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn sync_copies_everything_from_distribution_2_to_3() {
    assert_copies_everything(RegistryKind::V2, RegistryKind::V3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sync_copies_everything_from_distribution_3_to_the_referrers_api() {
    assert_copies_everything(RegistryKind::V3, RegistryKind::Referrers).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sync_copies_everything_from_the_referrers_api_to_distribution_2() {
    assert_copies_everything(RegistryKind::Referrers, RegistryKind::V2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_layers_are_not_transferred() {
    // distribution rejects foreign layers by default.
    let pair = RegistryPair::start(RegistryKind::Referrers, RegistryKind::Referrers).await;
    let windows = windows();
    pair.push(&windows, "windows", Some("v1")).await;
    pair.write_list(&[("windows", "v1")]);
    let document = pair.sync("", 0);
    assert_eq!(column(&document, "status"), ["copied"]);
    assert_root(&pair.to("windows:v1"), &windows).await;
    assert_content(&pair.to("windows"), &windows).await;
    // No request mentions it: no registry has the blob.
    let foreign = windows.manifests()[0].bytes();
    let manifest: serde_json::Value = serde_json::from_slice(foreign).unwrap();
    let digest = manifest["layers"][0]["digest"].as_str().unwrap();
    assert_eq!(manifest["layers"][0]["urls"][0], FOREIGN);
    for registry in [&pair.source, &pair.destination] {
        let requests = registry.requests().await;
        let mentions = requests
            .iter()
            .filter(|request| format!("{}?{}", request.path, request.query).contains(digest));
        assert_eq!(mentions.count(), 0, "{digest}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn manifest_of_an_unknown_type_is_copied_by_its_structure() {
    let pair = RegistryPair::start(RegistryKind::Referrers, RegistryKind::Referrers).await;
    let blob = Content::new("text/plain", "of the artifact");
    let media_type = "application/vnd.oci.artifact.manifest.v1+json";
    let manifest = serde_json::json!({
        "mediaType": media_type,
        "artifactType": "application/vnd.example",
        "blobs": [blob.descriptor()],
    });
    let artifact = Bundle::verbatim(media_type, manifest.to_string());
    pair.push(&artifact, "artifact", Some("v1")).await;
    let pusher = testkit::push::Pusher::new(&pair.source.host());
    pusher.blob("artifact", blob.bytes().clone()).await;
    pair.write_list(&[("artifact", "v1")]);
    pair.sync("", 0);
    assert_content(&pair.to("artifact"), &artifact).await;
    let path = pair.to(&format!("artifact@{}", blob.digest()));
    let copied = Crane::new().run(&["blob", &path]).await.unwrap();
    assert_eq!(copied, blob.bytes()[..]);
}

#[tokio::test(flavor = "multi_thread")]
async fn digest_in_the_tag_column_copies_by_digest() {
    for destination in [RegistryKind::V2, RegistryKind::Referrers] {
        let pair = RegistryPair::start(RegistryKind::V3, destination).await;
        let (old, new) = (multi_platform(Format::Oci), nested());
        // The tag has moved; the row names the digest.
        pair.push(&old, "a", Some("v1")).await;
        pair.push(&new, "a", Some("v1")).await;
        pair.write_list(&[("a", old.digest().as_ref())]);
        let document = pair.sync("", 0);
        assert_eq!(document["rows"][0]["tag"], old.digest().as_ref());
        let reference = pair.to(&format!("a@{}", old.digest()));
        Crane::new().validate(&reference).await.unwrap();
        assert_eq!(
            Skopeo::new().manifest(&reference).await.unwrap(),
            old.root().bytes()[..]
        );
        let tags = Crane::new().run(&["ls", &pair.to("a")]).await;
        let tags = tags.unwrap_or_default();
        assert_eq!(
            String::from_utf8(tags).unwrap().trim(),
            "",
            "a digest row writes no tag"
        );
        assert_eq!(column(&pair.sync("", 0), "status"), ["unchanged"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn shared_blobs_are_downloaded_once_and_mounted() {
    let pair = RegistryPair::start(RegistryKind::V2, RegistryKind::V2).await;
    let base = Layer::random(77, 100_000).unwrap();
    let names = ["a", "b", "c", "d"];
    for (seed, name) in (1..).zip(names) {
        let image = Image::new(Format::Oci, Platform::linux("amd64")).layer(base.clone());
        let image = image.layer(layer(seed)).build();
        pair.push(&image, name, Some("v1")).await;
    }
    pair.write_list(&names.map(|name| (name, "v1")));
    let document = pair.sync("", 0);
    let summary = &document["summary"];
    assert_eq!(summary["blobs_mounted"], 3, "{summary}");
    // A config and a layer per image, and the base.
    assert_eq!(summary["blobs_copied"], 4 * 2 + 1, "{summary}");
    let requests = pair.source.requests().await;
    let fetched = requests.iter().filter(|request| {
        request.method == "GET" && request.path.contains("/blobs/") && request.bytes > Some(90_000)
    });
    assert_eq!(fetched.count(), 1, "the base is downloaded once");
    for name in names {
        let reference = pair.to(&format!("{name}:v1"));
        Crane::new().validate(&reference).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn schema_1_fails_only_its_row() {
    let pair = RegistryPair::start(RegistryKind::Referrers, RegistryKind::Referrers).await;
    let media_type = "application/vnd.docker.distribution.manifest.v1+prettyjws";
    let old = r#"{"schemaVersion": 1, "name": "a", "tag": "v1", "fsLayers": [], "history": []}"#;
    pair.push(&Bundle::verbatim(media_type, old), "old", Some("v1"))
        .await;
    pair.push(&model(), "model", Some("v1")).await;
    pair.write_list(&[("model", "v1"), ("old", "v1")]);
    let document = pair.sync("", 1);
    assert_eq!(column(&document, "status"), ["copied", "failed"]);
    let message = document["rows"][1]["error"]["message"].as_str().unwrap();
    assert!(message.contains("schema 1"), "{message}");
    let url = format!(
        "http://{}/v2/mirror/old/manifests/v1",
        pair.destination.host()
    );
    let request = Request::get(url).body("").unwrap();
    assert_eq!(fetch(request).await.status(), 404);
}
