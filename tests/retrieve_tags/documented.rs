//! The example that this repository has.

use std::fs;

use embedded_registry::Registry;
use serde_json::{Value, json};
use testkit::github::{FakeGithub, Release};

use crate::add_tag::push;
use crate::environment::TestEnvironment;
use crate::wrappers::top;

#[tokio::test(flavor = "multi_thread")]
async fn the_example_of_this_repository_works_without_a_token() {
    let registry = Registry::new().start().await.unwrap();
    push(
        &registry,
        &[
            "quay/coreos/etcd:v3.5.17",
            "quay/coreos/etcd:v3.5.21",
            "quay/coreos/etcd:v3.5.21-arm64",
            "quay/coreos/etcd:v3.6.0",
            "hub/coredns/coredns:1.12.1",
        ],
    );
    let github = FakeGithub::new().start().await;
    for tag in ["v1.11.9", "v1.12.0", "v1.12.1"] {
        github.release("coredns/coredns", Release::new(tag));
    }
    let environment = TestEnvironment::new()
        .with("GITHUB_API_URL", &github.url())
        .with("CONTAINERS_REGISTRIES_CONF", "registries.conf");
    for name in ["config.json", "images-list"] {
        environment.write(name, fs::read(top().join(name)).unwrap());
    }
    let host = registry.host();
    let remapped = [("quay.io", "quay"), ("docker.io", "hub")].map(|(prefix, to)| {
        format!("[[registry]]\nprefix = \"{prefix}\"\nlocation = \"{host}/{to}\"\n")
    });
    environment.write("registries.conf", remapped.concat());

    let done = environment.mirror("retrieve-tags").exits(0);
    let want = json!({
        "coredns": {"images": ["coredns/coredns"], "tags": ["1.12.1"]},
        "etcd": {"images": ["quay.io/coreos/etcd"], "tags": ["v3.5.21"]},
    });
    assert_eq!(done.json(), want);
    let limits = "no GitHub token: GitHub allows 60 requests an hour";
    assert!(done.stderr.contains(limits), "{}", done.stderr);

    environment.mirror("retrieve-tags --apply").exits(0);
    let list = environment.read("images-list");
    for row in [
        "coredns/coredns registry.example.com/example/mirrored-coredns-coredns 1.12.1\n",
        "quay.io/coreos/etcd registry.example.com/example/mirrored-coreos-etcd v3.5.21\n",
    ] {
        assert!(list.contains(row), "{list}");
    }
    environment.mirror("lint").exits(0);
}

/// The blocks of a kind in the README.
fn blocks<'a>(readme: &'a str, kind: &'a str) -> impl Iterator<Item = &'a str> {
    let blocks = readme
        .split("\n```")
        .filter_map(move |block| block.strip_prefix(kind));
    blocks.filter_map(|block| block.strip_prefix('\n'))
}

#[test]
fn the_readme_has_a_valid_example_of_everything() {
    let readme = fs::read_to_string(top().join("README.md")).unwrap();
    let environment = TestEnvironment::new();
    environment.write("images-list", "");
    for block in blocks(&readme, "json") {
        environment.write("config.json", block);
        let done = environment.mirror("lint");
        assert_eq!(done.code, Some(0), "{}\n{block}", done.stdout);
    }
    let all: String = blocks(&readme, "json").collect();
    for source in [
        "registry",
        "github-releases:",
        "github-latest-release:",
        "github-tagged-images-file:",
        "gitlab-releases:",
        "git-tags:",
        "helm-latest:",
        "helm-oci",
        "helm-directory:",
    ] {
        let written = format!("\"versionSource\": \"{source}");
        assert!(all.contains(&written), "no example of {source}");
    }
    let schema = fs::read_to_string(top().join("config.schema.json")).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let definitions = schema["$defs"].as_object().unwrap().values();
    let keys = definitions.filter_map(|definition| definition["properties"].as_object());
    let mut count = 0;
    for key in keys.flat_map(|properties| properties.keys()) {
        count += 1;
        assert!(all.contains(&format!("\"{key}\": ")), "no example of {key}");
    }
    assert!(count >= 20, "{count} keys: the schema is not what it was");
}
