//! `mirror inspect`

use embedded_registry::Registry;
use embedded_registry::images::{Artifact, Platform, sample_image};

use crate::environment::TestEnvironment;

#[tokio::test(flavor = "multi_thread")]
async fn inspect_prints_platforms_layers_and_referrers() {
    let registry = Registry::new().start().await.unwrap();
    let platforms = [Platform::linux("amd64"), Platform::linux("arm64")];
    let image = sample_image("a", 1, &platforms, 3).unwrap();
    let digest = image.push(&registry, "a", Some("1"));
    let signature = Artifact::new("application/x").subject(&image).build();
    signature.push(&registry, "a", None);
    let environment = TestEnvironment::new();
    let name = format!("{}/a", registry.host());
    let document = environment
        .mirror(&format!("inspect {name}:1 --output json"))
        .exits(0)
        .json();
    assert_eq!(document["digest"], digest.as_ref());
    assert_eq!(document["referrers"], 1);
    let children = document["platforms"].as_array().unwrap();
    let layers = |platform: &str| {
        let child = children.iter().find(|child| child["platform"] == platform);
        child
            .and_then(|child| child["layers"].as_array())
            .map(Vec::len)
    };
    assert_eq!(
        (layers("linux/amd64"), layers("linux/arm64")),
        (Some(3), Some(3))
    );
    assert!(
        document["total_size"].as_u64() > document["size"].as_u64(),
        "{document}"
    );
    let amd64 = &children[0];
    assert!(
        amd64["labels"].is_object() && amd64.get("created").is_some(),
        "{amd64}"
    );
    let raw = environment
        .mirror(&format!("inspect --raw {name}@{digest}"))
        .exits(0);
    assert_eq!(raw.stdout.as_bytes(), &image.root().bytes()[..]);
    let missing = environment
        .mirror(&format!("inspect {name}:2 --output json"))
        .exits(1);
    let hint = format!("`mirror tags {name}`");
    assert!(
        missing.json()["error"]["hint"]
            .as_str()
            .unwrap()
            .contains(&hint)
    );
}
