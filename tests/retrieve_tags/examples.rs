//! The examples in this repository and in the documentation of the old mirror.

use std::fs;

use embedded_registry::{Registry, RunningRegistry};
use serde_json::json;
use testkit::github::{FakeGithub, Release};

use crate::environment::{TestEnvironment, push_tags, repository_root};

#[tokio::test(flavor = "multi_thread")]
async fn example_config_works_without_a_github_token() {
    let registry = Registry::new().start().await.unwrap();
    let images = [
        "quay.io coreos/etcd:v3.5.17",
        "quay.io coreos/etcd:v3.5.21",
        "quay.io coreos/etcd:v3.5.21-arm64",
        "quay.io coreos/etcd:v3.6.0",
        "docker.io coredns/coredns:1.12.1",
    ];
    let conf = remapped(&registry, &images);
    let github = FakeGithub::new().start().await;
    for tag in ["v1.11.9", "v1.12.0", "v1.12.1"] {
        github.release("coredns/coredns", Release::new(tag));
    }
    let environment = TestEnvironment::new()
        .with_env("GITHUB_TOKEN", "")
        .with_env("GITHUB_API_URL", &github.url())
        .with_env("CONTAINERS_REGISTRIES_CONF", "registries.conf");
    for name in ["config.json", "images-list"] {
        environment.write(name, fs::read(repository_root().join(name)).unwrap());
    }
    environment.write("registries.conf", conf);

    let output = environment.mirror("retrieve-tags").exits(0);
    let want = json!({
        "coredns": {"images": ["coredns/coredns"], "tags": ["1.12.1"]},
        "etcd": {"images": ["quay.io/coreos/etcd"], "tags": ["v3.5.21"]},
    });
    assert_eq!(output.json(), want);
    let limits = "no GitHub token: GitHub allows 60 requests per hour";
    assert!(output.stderr.contains(limits), "{}", output.stderr);

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

/// Pushes each `PREFIX NAME:TAG` and returns a registries.conf that maps the prefixes here.
fn remapped(registry: &RunningRegistry, images: &[&str]) -> String {
    let mut conf = String::new();
    for (number, image) in images.iter().enumerate() {
        let (prefix, name) = image.split_once(' ').unwrap();
        push_tags(registry, &[&format!("{prefix}/{name}")]);
        if !images[..number]
            .iter()
            .any(|before| before.starts_with(&format!("{prefix} ")))
        {
            let location = format!("{}/{prefix}", registry.host());
            conf += &format!("[[registry]]\nprefix = \"{prefix}\"\nlocation = \"{location}\"\n");
        }
    }
    conf
}

#[tokio::test(flavor = "multi_thread")]
async fn examples_of_the_old_documentation_work() {
    let registry = Registry::new().start().await.unwrap();
    let images = [
        "registry.suse.com bci/bci-busybox:15.4.9",
        "registry.suse.com bci/bci-busybox:15.4.10",
        "registry.suse.com bci/bci-busybox:15.5.1",
        "quay.io skopeo/stable:v1.9.9",
        "quay.io skopeo/stable:v1.15.0",
        "quay.io skopeo/stable:latest",
        "registry.k8s.io pause:3.9",
        "registry.k8s.io pause:3.10",
        "registry.k8s.io pause:3.10-linux-amd64",
        "ghcr.io epinio/epinio-server:v1.9.0",
        "ghcr.io epinio/epinio-server:v1.11.1",
        "gcr.io cloud-provider-vsphere/csi/release/syncer:v2.7.0",
        "gcr.io cloud-provider-vsphere/csi/release/syncer:v3.0.0",
    ];
    let conf = remapped(&registry, &images);
    let github = FakeGithub::new().start().await;
    for tag in ["v1.21.0", "v1.30.1"] {
        github.release("kubernetes/cloud-provider-vsphere", Release::new(tag));
    }
    github.release("flannel-io/flannel", Release::new("v0.26.0").latest());
    for tag in ["v1.3.0", "v1.4.0"] {
        let file = format!("longhornio/longhorn-engine:{tag}\n");
        github.tag(
            "longhorn/longhorn",
            tag,
            &[("deploy/longhorn-images.txt", &file)],
        );
        github.release("longhorn/longhorn", Release::new(tag));
    }
    let environment = TestEnvironment::new()
        .with_env("GITHUB_API_URL", &github.url())
        .with_env("CONTAINERS_REGISTRIES_CONF", "registries.conf");
    environment.write("registries.conf", conf);
    environment.write("images-list", "");
    let retrieve = |name: &str| {
        let directory = repository_root().join("crates/tag-retrieval/test-data/old-documentation");
        environment.write("config.json", fs::read(directory.join(name)).unwrap());
        environment.mirror("retrieve-tags").exits(0).json()
    };
    let one = |image: &str, tag: &str| json!({"images": [image], "tags": [tag]});
    let want = json!({
        "vsphere-cpi": one("gcr.io/cloud-provider-vsphere/cpi/release/manager", "v1.30.1"),
        "flannel": one("flannel/flannel", "v0.26.0"),
        "bci-busybox": one("registry.suse.com/bci/bci-busybox", "15.4.10"),
        "skopeo": one("quay.io/skopeo/stable", "v1.15.0"),
        "pause": one("registry.k8s.io/pause", "3.10"),
        "epinio": one("ghcr.io/epinio/epinio-server", "v1.11.1"),
        "csi-release-syncer": one("gcr.io/cloud-provider-vsphere/csi/release/syncer", "v2.7.0"),
    });
    assert_eq!(retrieve("github-and-registry.json"), want);
    let want = json!({"longhorn": {"full_images": ["longhornio/longhorn-engine:v1.4.0"]}});
    assert_eq!(retrieve("github-tagged-images-file.json"), want);
}
