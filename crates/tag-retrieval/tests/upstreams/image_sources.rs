//! `manifests`, `olm-catalog` and `imgpkg`.

use embedded_registry::images::{Format, Image, Layer, Platform};
use embedded_registry::{Registry, RunningRegistry};
use tag_retrieval::config::{Config, Source};
use tag_retrieval::{Found, Retrieved, VersionSource};
use testkit::FileServer;

use crate::setup::upstreams;

/// Queries the source of an entry.
async fn retrieved(entry: &str) -> Retrieved {
    let config = format!("{{\"entry\": {entry}}}");
    let mut config = Config::parse(&config).unwrap();
    let source: Source = config.entries.remove(0).source;
    source.retrieve(&upstreams("")).await.unwrap()
}

fn images(retrieved: &Retrieved) -> Vec<String> {
    let Found::Images(images) = &retrieved.found else {
        panic!("{retrieved:?}");
    };
    let images = images
        .iter()
        .map(|found| format!("{} {}", found.image, found.tag));
    images.collect()
}

fn push(registry: &RunningRegistry, name: &str, label: (&str, &str), files: &[(&str, &str)]) {
    let files: Vec<_> = files
        .iter()
        .map(|(path, text)| (*path, text.as_bytes()))
        .collect();
    let image = Image::new(Format::Oci, Platform::linux("arm64"))
        .layer(Layer::files(&files).unwrap())
        .label(label.0, label.1);
    image.build().push(registry, name, Some("v1"));
}

#[tokio::test]
async fn manifests_of_a_file_and_of_a_url() {
    let directory = tempfile::tempdir().unwrap();
    let text = "kind: Pod\nspec:\n  containers: [{name: a, image: 'quay.io/a/b:v1'}, {name: r, image: 'rancher/x:1'}, {name: l, image: 'busybox'}]\n  engine: {ref: 'org/engine:2'}\n";
    std::fs::write(directory.path().join("deploy.yaml"), text).unwrap();
    let server = FileServer::start(directory.path()).await;
    let path = directory.path().display();
    for location in [
        format!("{path}/deploy.yaml"),
        format!("{}/deploy.yaml", server.url()),
    ] {
        let entry = format!(
            "{{\"versionSource\": \"manifests:{location}\", \"imagePaths\": [\"spec.engine.ref\"]}}"
        );
        let found = retrieved(&entry).await;
        assert_eq!(
            images(&found),
            ["org/engine 2", "quay.io/a/b v1"],
            "{location}"
        );
        assert_eq!(found.failures, [""; 0]);
        // `latest`, and the organization of the mirror.
        assert_eq!(found.dropped.len(), 2, "{:?}", found.dropped);
        let Found::Images(all) = &found.found else {
            panic!("{found:?}");
        };
        let origin = all[1].origin.to_string();
        assert!(
            origin.contains("deploy.yaml:3: Pod: spec.containers[0].image"),
            "{origin}"
        );
    }
    let gone = retrieved(&format!(
        "{{\"versionSource\": \"manifests:{path}/gone.yaml\"}}"
    ))
    .await;
    assert_eq!(gone.failures.len(), 1, "{gone:?}");
}

#[tokio::test]
async fn catalog_and_bundle_give_images_by_tag_and_digest() {
    let registry = Registry::new().start().await.unwrap();
    let digest = format!("sha256:{}", "a".repeat(64));
    let catalog = format!(
        "schema: olm.package\nname: p\ndefaultChannel: c\n---\nschema: olm.channel\npackage: p\nname: c\nentries: [{{name: p.v1}}]\n---\nschema: olm.bundle\npackage: p\nname: p.v1\nimage: quay.io/p/bundle:v1\nrelatedImages: [{{name: x, image: 'quay.io/p/x@{digest}'}}]\n"
    );
    let label = (
        "operators.operatorframework.io.index.configs.v1",
        "/configs",
    );
    push(
        &registry,
        "catalog",
        label,
        &[("configs/p/catalog.yaml", &catalog)],
    );
    let host = registry.host();
    let entry =
        format!("{{\"versionSource\": \"olm-catalog:{host}/catalog:v1\", \"packages\": [\"p\"]}}");
    let found = retrieved(&entry).await;
    let mut expected = vec![
        format!("{host}/catalog v1"),
        "quay.io/p/bundle v1".to_owned(),
        format!("quay.io/p/x {digest}"),
    ];
    expected.sort();
    let mut all = images(&found);
    all.sort();
    assert_eq!(all, expected);
    let csv = "kind: ClusterServiceVersion\nspec: {relatedImages: [{image: 'quay.io/o/a:v1'}]}\n";
    let label = (
        "operators.operatorframework.io.bundle.manifests.v1",
        "manifests/",
    );
    push(&registry, "bundle", label, &[("manifests/csv.yaml", csv)]);
    let entry = format!(
        "{{\"versionSource\": \"imgpkg:{host}/bundle:v1\", \"imageDenylist\": [\"{host}/bundle\"]}}"
    );
    assert_eq!(images(&retrieved(&entry).await), ["quay.io/o/a v1"]);
    let missing = retrieved(&format!("{{\"versionSource\": \"imgpkg:{host}/gone:v1\"}}")).await;
    assert!(
        missing.failures[0].contains("does not exist"),
        "{missing:?}"
    );
}

#[test]
fn invalid_packages_and_paths_are_problems() {
    let text = r#"{"a": {"versionSource": "olm-catalog:r.io/c:v1", "packages": ["a b"]},
        "b": {"versionSource": "manifests:x.yaml", "imagePaths": ["a[", "..a..b"]},
        "c": {"versionSource": "imgpkg:r.io/C"}}"#;
    let problems = Config::parse(text).unwrap_err();
    assert_eq!(problems.len(), 4, "{problems:?}");
}
