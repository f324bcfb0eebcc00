//! registries.conf, and overrides of the destination.

use embedded_registry::images::{Bundle, Platform, sample_image};
use serde_json::Value;
use testkit::clients::Crane;
use testkit::processes::RegistryProcess;
use testkit::push::Pusher;

use super::registry_pair::{RegistryKind, RegistryPair, assert_root, get};
use crate::environment::column;

fn image(seed: u64) -> Bundle {
    sample_image("app", seed, &[Platform::linux("amd64")], 2).unwrap()
}

/// A `[[registry]]` table.
fn table(prefix: &str, location: &str) -> String {
    format!("[[registry]]\nprefix = \"{prefix}\"\nlocation = \"{location}\"\n")
}

/// A `[[registry.mirror]]` table.
fn pull_mirror(location: &str) -> String {
    format!("[[registry.mirror]]\nlocation = \"{location}\"\n")
}

/// Runs `mirror sync` with a list and a registries.conf.
#[track_caller]
fn sync(pair: &RegistryPair, row: &str, conf: &str, code: i32) -> Value {
    pair.environment.write("images-list", row);
    pair.environment.write("registries.conf", conf);
    pair.sync("--registries-conf registries.conf", code)
}

/// Returns the paths of all requests to a registry.
async fn paths(registry: &RegistryProcess) -> Vec<String> {
    let requests = registry.requests().await;
    requests.into_iter().map(|request| request.path).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn registries_conf_remaps_sources_and_destinations() {
    let pair = RegistryPair::start(RegistryKind::V2, RegistryKind::V3).await;
    let image = image(1);
    pair.push(&image, "hub/library/app", Some("v1")).await;
    let conf = table("docker.io", &pair.from("hub"))
        + &table("registry.example.com", &pair.source.host())
        // The longest prefix applies.
        + &table("registry.example.com/team", &pair.to("elsewhere"));
    let row = "app registry.example.com/team/app v1\n";
    let document = sync(&pair, row, &conf, 0);
    // Reports have the names before the mapping.
    assert_eq!(column(&document, "source"), ["docker.io/library/app"]);
    assert_eq!(
        column(&document, "destination"),
        ["registry.example.com/team/app"]
    );
    assert_root(&pair.to("elsewhere/app:v1"), &image).await;
    let line = "compare --registries-conf registries.conf";
    pair.mirror(line).exits(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn pull_mirror_is_tried_first_and_the_registry_last() {
    let pair = RegistryPair::start(RegistryKind::V2, RegistryKind::V3).await;
    let near = RegistryKind::V3.start().await;
    let (fast, slow) = (image(1), image(2));
    pair.push(&fast, "app", Some("v1")).await;
    pair.push(&slow, "app", Some("v2")).await;
    let pusher = Pusher::new(&near.host());
    pusher.bundle(&fast, "near/app", Some("v1")).await;
    let far = table("far.example.com", &pair.source.host());
    let near_one = pull_mirror(&format!("{}/near", near.host()));
    // No registry listens there.
    let gone = far.clone() + &pull_mirror("127.0.0.1:1/gone") + &near_one;
    let row = |tag: &str| format!("far.example.com/app {} {tag}\n", pair.to("app"));
    let before = paths(&pair.source).await.len();
    sync(&pair, &row("v1"), &gone, 0);
    assert_eq!(
        paths(&pair.source).await.len(),
        before,
        "the pull mirror has everything"
    );
    assert_root(&pair.to("app:v1"), &fast).await;
    sync(&pair, &row("v2"), &(far + &near_one), 0);
    assert_root(&pair.to("app:v2"), &slow).await;
    let requested = paths(&near).await;
    assert!(
        requested
            .iter()
            .any(|path| path.ends_with("/near/app/manifests/v2")),
        "{requested:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn pull_mirror_gets_no_pushes() {
    let pair = RegistryPair::start(RegistryKind::V2, RegistryKind::V3).await;
    let near = RegistryKind::V2.start().await;
    pair.push(&image(1), "app", Some("v1")).await;
    let conf = table("own.example.com", &pair.to("own")) + &pull_mirror(&near.host());
    let row = format!("{} own.example.com/app v1\n", pair.from("app"));
    sync(&pair, &row, &conf, 0);
    assert_root(&pair.to("own/app:v1"), &image(1)).await;
    assert_eq!(paths(&near).await, [""; 0], "no request at all");
}

#[tokio::test(flavor = "multi_thread")]
async fn blocked_prefix_fails_the_row_without_a_request() {
    let pair = RegistryPair::start(RegistryKind::V2, RegistryKind::V3).await;
    pair.push(&image(1), "open/app", Some("v1")).await;
    pair.push(&image(2), "closed/app", Some("v1")).await;
    pair.write_list(&[("closed/app", "v1"), ("open/app", "v1")]);
    let rows = pair.environment.read("images-list");
    let before = paths(&pair.source).await.len();
    let conf = format!(
        "[[registry]]\nprefix = \"{}\"\nblocked = true\n",
        pair.from("closed")
    );
    let document = sync(&pair, &rows, &conf, 1);
    assert_eq!(column(&document, "status"), ["failed", "copied"]);
    let error = &document["rows"][0]["error"];
    assert!(
        error["message"].as_str().unwrap().contains("block"),
        "{error}"
    );
    assert!(
        error["hint"].as_str().unwrap().contains("registries.conf"),
        "{error}"
    );
    let requested = paths(&pair.source).await.split_off(before);
    assert!(
        !requested.iter().any(|path| path.contains("closed")),
        "{requested:?}"
    );
    assert_root(&pair.to("open/app:v1"), &image(1)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn source_that_resolves_to_its_destination_fails_the_row() {
    let pair = RegistryPair::start(RegistryKind::V2, RegistryKind::V3).await;
    pair.push(&image(1), "app", Some("v1")).await;
    let conf = table("far.example.com", &pair.source.host());
    let row = format!("far.example.com/app {} v1\n", pair.from("app"));
    let document = sync(&pair, &row, &conf, 3);
    let message = document["rows"][0]["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("the source and the destination are both"),
        "{message}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn registries_conf_is_ignored_unless_named() {
    let mut pair = RegistryPair::start(RegistryKind::V2, RegistryKind::V3).await;
    pair.push(&image(1), "app", Some("v1")).await;
    let conf = format!(
        "[[registry]]\nprefix = \"{}\"\nblocked = true\n",
        pair.source.host()
    );
    let directory = pair.environment.home().join(".config/containers");
    std::fs::create_dir_all(&directory).unwrap();
    let file = directory.join("registries.conf");
    std::fs::write(&file, conf).unwrap();
    pair.write_list(&[("app", "v1")]);
    pair.sync("", 0);
    let environment = pair.environment;
    pair.environment = environment.with_env("CONTAINERS_REGISTRIES_CONF", file.to_str().unwrap());
    pair.sync("", 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn destination_overrides_replace_host_and_organization() {
    let mut pair = RegistryPair::start(RegistryKind::V2, RegistryKind::V3).await;
    for name in ["app", "team/deep/app"] {
        pair.push(&image(1), name, Some("v1")).await;
    }
    let rows: String = ["app", "team/deep/app"]
        .map(|name| {
            format!(
                "{} registry.example.com/rancher/{name} v1\n",
                pair.from(name)
            )
        })
        .concat();
    pair.environment.write("images-list", rows);
    let host = pair.destination.host();
    let document = pair.sync(&format!("--dest-registry {host} --dest-org test"), 0);
    let want = ["app", "team/deep/app"].map(|name| format!("{host}/test/{name}"));
    assert_eq!(column(&document, "destination"), want);
    for name in &want {
        assert_root(&format!("{name}:v1"), &image(1)).await;
    }
    let environment = pair.environment.with_env("DEST_REGISTRY_OVERRIDE", &host);
    pair.environment = environment.with_env("DEST_ORG_OVERRIDE", "by-environment");
    let document = pair.sync("--match */deep/*", 0);
    assert_eq!(
        column(&document, "destination"),
        [format!("{host}/by-environment/team/deep/app")]
    );
    pair.mirror("compare --match */deep/*").exits(0);
    let catalog = format!("{host}/v2/_catalog");
    let catalog: Value = serde_json::from_slice(get(&catalog, "*/*").await.body()).unwrap();
    let want = [
        "by-environment/team/deep/app",
        "test/app",
        "test/team/deep/app",
    ];
    assert_eq!(catalog["repositories"], serde_json::json!(want));
    let reference = format!("{host}/by-environment/team/deep/app:v1");
    Crane::new().validate(&reference).await.unwrap();
}
