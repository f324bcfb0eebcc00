//! The example that this repository has.

use std::fs;

use embedded_registry::Registry;
use serde_json::json;
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
