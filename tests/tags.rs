//! `mirror tags` and `mirror inspect`

use embedded_registry::Registry;
use embedded_registry::images::{Artifact, Platform, sample_image};
use serde_json::json;

use crate::environment::TestEnvironment;

#[tokio::test(flavor = "multi_thread")]
async fn tags_come_in_version_order_whatever_the_pages() {
    let registry = Registry::new().page_limit(2).start().await.unwrap();
    let image = sample_image("a", 1, &[Platform::linux("amd64")], 1).unwrap();
    for tag in ["v1.10", "v1.9", "latest", "v1.9-rc1", "v2"] {
        image.push(&registry, "team/a", Some(tag));
    }
    let environment = TestEnvironment::new();
    let line = format!("tags {}/team/a --output json", registry.host());
    let tags = environment.mirror(&line).exits(0).json();
    assert_eq!(tags, json!(["latest", "v1.9", "v1.9-rc1", "v1.10", "v2"]));
    let missing = environment
        .mirror(&format!("tags {}/team/b", registry.host()))
        .exits(1);
    assert_eq!(missing.stdout, "");
    assert!(
        missing.stderr.contains("team/b does not exist"),
        "{}",
        missing.stderr
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_is_shown_with_what_belongs_to_it() {
    let registry = Registry::new().start().await.unwrap();
    let platforms = [Platform::linux("amd64"), Platform::linux("arm64")];
    let image = sample_image("a", 1, &platforms, 3).unwrap();
    let digest = image.push(&registry, "a", Some("1"));
    let signature = Artifact::new("application/x").subject(&image).build();
    signature.push(&registry, "a", None);
    let environment = TestEnvironment::new();
    let name = format!("{}/a", registry.host());
    let shown = environment
        .mirror(&format!("inspect {name}:1 --output json"))
        .exits(0)
        .json();
    assert_eq!(shown["digest"], digest.as_ref());
    assert_eq!(shown["referrers"], 1);
    let children = shown["platforms"].as_array().unwrap();
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
