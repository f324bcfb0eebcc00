//! `mirror diff` and `mirror digest`

use embedded_registry::Registry;
use embedded_registry::images::{Platform, sample_image};
use serde_json::json;

use crate::environment::TestEnvironment;

#[tokio::test(flavor = "multi_thread")]
async fn diff_compares_platforms_layers_and_configs() {
    let registry = Registry::new().start().await.unwrap();
    let (amd64, arm64) = (Platform::linux("amd64"), Platform::linux("arm64"));
    let both = sample_image("a", 1, &[amd64.clone(), arm64], 2).unwrap();
    let digest = both.push(&registry, "a", Some("1"));
    both.push(&registry, "copy", Some("1"));
    let one = sample_image("a", 2, &[amd64], 3).unwrap();
    one.push(&registry, "a", Some("2"));
    let environment = TestEnvironment::new();
    let host = registry.host();

    let printed = environment.mirror(&format!("digest {host}/a:1")).exits(0);
    assert_eq!(printed.stdout, format!("{digest}\n"));
    let document = environment
        .mirror(&format!("digest docker://{host}/a:1 --output json"))
        .exits(0)
        .json();
    assert_eq!(document["digest"], digest.as_ref());
    let missing = environment.mirror(&format!("digest {host}/a:9")).exits(1);
    assert!(
        missing.stderr.contains("a:9 does not exist"),
        "{}",
        missing.stderr
    );

    let same = environment
        .mirror(&format!("diff {host}/a:1 {host}/copy:1"))
        .exits(0);
    assert!(
        same.stdout.ends_with("the images are the same\n"),
        "{}",
        same.stdout
    );
    let quiet = environment
        .mirror(&format!("diff -q {host}/a:1 {host}/copy:1"))
        .exits(0);
    assert_eq!(quiet.stdout, "");

    let line = format!("diff {host}/a:1 {host}/a:2");
    let text = environment.mirror(&line).exits(1).stdout;
    assert!(text.contains("linux/arm64  only in A, sha256:"), "{text}");
    assert!(text.contains("linux/amd64  sha256:"), "{text}");
    assert!(text.contains("  layers: "), "{text}");
    let document = environment
        .mirror(&format!("{line} --output json"))
        .exits(1)
        .json();
    assert_eq!(document["same"], false);
    let platforms = document["platforms"].as_array().unwrap();
    let platform = |name: &str| {
        let found = platforms
            .iter()
            .find(|platform| platform["platform"] == name);
        found.unwrap_or_else(|| unreachable!("no {name} in {document}"))
    };
    let amd64 = platform("linux/amd64");
    let count = |key: &str| amd64[key].as_array().map_or(0, Vec::len);
    let common = amd64["common_layers"].as_u64().unwrap() as usize;
    assert_eq!(common + count("layers_a"), 2, "{amd64}");
    assert_eq!(common + count("layers_b"), 3, "{amd64}");
    assert!(count("config") > 0, "{amd64}");
    assert_eq!(platform("linux/arm64")["b"], json!(null));
}
