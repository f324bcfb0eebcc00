//! Formats for the programs on nodes: registries.conf, k3s, containerd.

use std::collections::BTreeMap;
use std::process::Command;

use embedded_registry::Registry;
use serde::Deserialize;

use super::{environment, text, unmapped};
use crate::environment::{TestEnvironment, block, small_image};

/// Returns the result of skopeo with a registries.conf: the manifest of an image.
fn skopeo(environment: &TestEnvironment, conf: &str, image: &str) -> Result<String, String> {
    let policy = environment.path("policy.json");
    std::fs::write(
        &policy,
        r#"{"default": [{"type": "insecureAcceptAnything"}]}"#,
    )
    .unwrap();
    let mut command = Command::new(testkit::program("skopeo"));
    command
        .arg(format!("--policy={}", policy.display()))
        .arg(format!(
            "--registries-conf={}",
            environment.path(conf).display()
        ))
        .args(["inspect", "--raw", &format!("docker://{image}")])
        .env_clear()
        .env("HOME", environment.path("."));
    let output = block(|| command.output()).unwrap();
    match output.status.success() {
        true => Ok(String::from_utf8(output.stdout).unwrap()),
        false => Err(String::from_utf8(output.stderr).unwrap()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn skopeo_reads_images_of_unreachable_sources_through_registries_conf() {
    let registry = Registry::new().start().await.unwrap();
    let host = registry.host();
    let first = small_image(1);
    let digest = first.push(&registry, "m/first", Some("v1"));
    small_image(2).push(&registry, "m/busybox", Some("1.36"));
    let rows = [
        // No process listens on port 1.
        format!("127.0.0.1:1/team/first {host}/m/first v1"),
        format!("busybox {host}/m/busybox 1.36"),
    ];
    let environment = environment(&rows.each_ref().map(String::as_str));
    let line = format!("rewrite --format registries-conf --insecure {host}");
    let images = [
        "127.0.0.1:1/team/first:v1",
        &format!("127.0.0.1:1/team/first@{digest}"),
        "docker.io/library/busybox:1.36",
    ];
    for options in ["", " --no-fallback"] {
        let output = environment.mirror(&format!("{line}{options}")).exits(0);
        environment.write("mirror.conf", &output.stdout);
        for image in images {
            let manifest = skopeo(&environment, "mirror.conf", image);
            assert!(manifest.is_ok(), "{image}: {manifest:?}\n{}", output.stdout);
        }
        let other = skopeo(
            &environment,
            "mirror.conf",
            "127.0.0.1:1/team/first/below:v1",
        );
        assert!(other.is_err(), "{other:?}");
    }
    // Without the rules, the source is asked.
    environment.write("empty.conf", "");
    assert!(skopeo(&environment, "empty.conf", images[0]).is_err());
    // Without --insecure, the mirror is asked over TLS, which it does not have.
    let output = environment
        .mirror("rewrite --format registries-conf")
        .exits(0);
    environment.write("tls.conf", &output.stdout);
    assert!(skopeo(&environment, "tls.conf", images[0]).is_err());
}

#[test]
fn registries_conf_prefers_mirrors_in_the_order_of_the_rows() {
    let environment = environment(&["q.io/a @one,two/a v1"]);
    environment.write(
        "targets.json",
        r#"{"targets": {"one": {"prefix": "r.io/one"}, "two": {"prefix": "r.io/two", "platforms": ["linux/arm64"]}}}"#,
    );
    let output = environment
        .mirror("rewrite --format registries-conf")
        .exits(0);
    let tables = output.stdout.split_once("\n\n").unwrap().1;
    let expected = "[[registry]]\nprefix = \"q.io/a\"\nlocation = \"q.io/a\"\n\n[[registry.mirror]]\nlocation = \"r.io/one/a\"\n\n[[registry.mirror]]\nlocation = \"r.io/two/a\"\npull-from-mirror = \"tag-only\"\n";
    assert_eq!(tables, expected);
    let output = environment
        .mirror("rewrite --format registries-conf --target one --no-fallback")
        .exits(0);
    assert!(
        output.stdout.contains("location = \"r.io/one/a\"\n"),
        "{}",
        output.stdout
    );
    assert!(
        !output.stdout.contains("[[registry.mirror]]"),
        "{}",
        output.stdout
    );
    // The result is a registries.conf for mirror too.
    environment.write("mirror.conf", &output.stdout);
    environment
        .mirror("config --registries-conf mirror.conf")
        .exits(0);
}

/// The fields of `registries.yaml` (rancher/wharfie, `pkg/registries/types.go`).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Registries {
    mirrors: BTreeMap<String, K3sMirror>,
    #[serde(default)]
    configs: BTreeMap<String, K3sConfig>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct K3sMirror {
    endpoint: Vec<String>,
    #[serde(default)]
    rewrite: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct K3sConfig {
    tls: K3sTls,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct K3sTls {
    insecure_skip_verify: String,
}

/// Applies the rewrites of k3s to a repository: the first pattern that matches, in any order.
fn rewritten(mirror: &K3sMirror, path: &str) -> Vec<String> {
    let all = mirror.rewrite.iter().filter_map(|(pattern, with)| {
        let pattern = regex::Regex::new(pattern).unwrap();
        pattern
            .is_match(path)
            .then(|| pattern.replace_all(path, with.as_str()).into_owned())
    });
    all.collect()
}

#[test]
fn k3s_gets_an_endpoint_for_each_host_and_a_rewrite_for_each_repository() {
    let environment = environment(&[
        "busybox r.io/m/busybox 1.36",
        "bitnami/a.b r.io/m/a.b 1",
        "q.io/same r.io/same v1",
        "q.io/a/b r.io/m/a-b v1",
        "q.io/a r.io/m/a v1",
        "q.io/other x.io/other v1",
    ]);
    let line = "rewrite --format k3s --insecure r.io --output json";
    let document = environment.mirror(line).exits(1).json();
    let lines = unmapped(&document);
    let expected =
        "q.io/other -> x.io/other: k3s takes one mirror for q.io, and other rows have r.io";
    assert_eq!(lines, [expected]);
    let json = extraction::json_from_yaml(text(&document)).unwrap();
    let registries: Registries = serde_json::from_str(&json).unwrap();
    let hub = &registries.mirrors["docker.io"];
    assert_eq!(hub.endpoint, ["https://r.io", "http://r.io"]);
    assert_eq!(rewritten(hub, "library/busybox"), ["m/busybox"]);
    assert_eq!(rewritten(hub, "bitnami/a.b"), ["m/a.b"]);
    assert_eq!(rewritten(hub, "bitnami/axb"), [""; 0]);
    let quay = &registries.mirrors["q.io"];
    assert_eq!(rewritten(quay, "a"), ["m/a"]);
    assert_eq!(rewritten(quay, "a/b"), ["m/a-b"]);
    assert_eq!(rewritten(quay, "same"), [""; 0]);
    assert_eq!(registries.configs["r.io"].tls.insecure_skip_verify, "true");
    let refused = environment
        .mirror("rewrite --format k3s --no-fallback")
        .exits(2);
    assert!(
        refused
            .stderr
            .contains("--disable-default-registry-endpoint")
    );
}

#[test]
fn containerd_gets_a_file_for_each_host_whose_repositories_keep_their_paths() {
    let environment = environment(&[
        "busybox r.io/hub/library/busybox 1.36",
        "q.io/a/b r.io/quay/a/b v1",
        "q.io/c s.io/c v1",
        "q.io/x r.io/mirrored-x v1",
    ]);
    let line = "rewrite --format containerd-hosts --directory certs.d --insecure s.io";
    let output = environment.mirror(line).exits(1);
    assert_eq!(
        output.stdout,
        "certs.d/docker.io/hosts.toml\ncerts.d/q.io/hosts.toml\n"
    );
    assert!(
        output
            .stderr
            .contains("q.io/x -> r.io/mirrored-x: containerd-hosts cannot rename repositories"),
        "{}",
        output.stderr
    );
    let read = |host: &str| environment.read(&format!("certs.d/{host}/hosts.toml"));
    let header = "# Generated by `mirror rewrite --format containerd-hosts`: run it again instead of editing.\n";
    let hub = format!(
        "{header}server = \"https://registry-1.docker.io\"\n\n[host.\"https://r.io/v2/hub\"]\ncapabilities = [\"pull\", \"resolve\"]\noverride_path = true\n"
    );
    assert_eq!(read("docker.io"), hub);
    let quay = read("q.io");
    for part in [
        "server = \"https://q.io\"\n",
        "[host.\"https://r.io/v2/quay\"]\ncapabilities = [\"pull\", \"resolve\"]\noverride_path = true\n",
        "[host.\"https://s.io\"]\ncapabilities = [\"pull\", \"resolve\"]\nskip_verify = true\n",
        "[host.\"http://s.io\"]\ncapabilities = [\"pull\", \"resolve\"]\n",
    ] {
        assert!(quay.contains(part), "{part}: {quay}");
    }
    // The second run replaces the files.
    environment.mirror(line).exits(1);
    let printed = environment
        .mirror("rewrite --format containerd-hosts")
        .exits(1)
        .stdout;
    assert!(printed.starts_with("# docker.io/hosts.toml\n"), "{printed}");
    // Without a fallback, the mirror is the server too.
    let line = "rewrite --format containerd-hosts --no-fallback";
    let printed = environment.mirror(line).exits(1).stdout;
    assert!(
        printed.contains("server = \"https://r.io/v2/hub\"\n"),
        "{printed}"
    );
    assert!(!printed.contains("registry-1.docker.io"), "{printed}");
}
