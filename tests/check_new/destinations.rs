//! Destination repositories at registries with a vendor API.

use testkit::proxy::{Action, FaultProxy, Reply, Rule};

use super::branch_with;
use crate::environment::registry_with;

const HUB: &str = "/v2/namespaces/mirror/repositories/app";
const QUAY: &str = "/api/v1/repository/mirror/app";

fn json(status: u16, body: &'static str) -> Reply {
    Action::answer(status).body(body)
}

/// Returns the status of a new row for the destination `mirror/app` at the registry `name`, whose
/// vendor API (at `path`) and tag list send these responses.
async fn status(name: &str, path: &str, api: Reply, tags: Reply) -> String {
    let registry = registry_with(&["a:1"]).await;
    let proxy = FaultProxy::start(registry.address()).await;
    proxy.add(Rule::new("GET", path).does(api));
    proxy.add(Rule::new("GET", "/v2/mirror/app/tags/list").does(tags));
    let environment = branch_with("");
    let row = format!("{}/a {name}/mirror/app 1\n", registry.host());
    environment.write("images-list", row);
    environment.write("registries.conf", remapped(name, &proxy));
    let output = environment.mirror("check-new --registries-conf registries.conf --output json");
    assert_eq!(proxy.count("GET", path), 1, "{:?}", proxy.requests());
    let status = output.json()["added"][0]["status"].clone();
    let fails = !["ok", "unchecked"].contains(&status.as_str().unwrap());
    assert_eq!(output.code, Some(i32::from(fails)), "{output:?}");
    status.as_str().unwrap().to_owned()
}

fn remapped(name: &str, proxy: &FaultProxy) -> String {
    let location = proxy.host();
    format!("[[registry]]\nprefix = \"{name}\"\nlocation = \"{location}\"\n")
}

fn refused() -> Reply {
    Action::answer(401).header("www-authenticate", "Basic realm=\"x\"")
}

const UNKNOWN: &str = r#"{"errors":[{"code":"NAME_UNKNOWN","message":"none"}]}"#;
const HUB_HAS: &str = r#"{"user":"mirror","name":"app","namespace":"mirror"}"#;
const HUB_LACKS: &str = r#"{"message":"object not found","errinfo":{}}"#;

#[tokio::test(flavor = "multi_thread")]
async fn docker_hub_api_is_queried_at_the_remapped_host() {
    let hub = |api, tags| status("docker.io", HUB, api, tags);
    assert_eq!(hub(json(200, HUB_HAS), refused()).await, "ok");
    let missing = "destination_missing";
    assert_eq!(hub(json(404, HUB_LACKS), refused()).await, missing);
    // A private repository, visible with credentials.
    let listed = || json(200, r#"{"tags":[]}"#);
    assert_eq!(hub(json(404, HUB_LACKS), listed()).await, "ok");
    // The API exists and fails.
    assert_eq!(hub(json(503, ""), refused()).await, "error");
    assert_eq!(hub(json(503, ""), listed()).await, "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn registry_without_vendor_api_is_queried_itself() {
    let hub = |api, tags| status("docker.io", HUB, api, tags);
    let page = || json(404, "404 page not found");
    assert_eq!(hub(page(), json(200, r#"{"tags":null}"#)).await, "ok");
    assert_eq!(hub(page(), json(404, UNKNOWN)).await, "destination_missing");
    assert_eq!(hub(json(404, UNKNOWN), refused()).await, "unchecked");
}

#[tokio::test(flavor = "multi_thread")]
async fn quay_api_is_queried_at_the_remapped_host() {
    let quay = |api, tags| status("quay.io", QUAY, api, tags);
    let has = r#"{"namespace":"mirror","name":"app"}"#;
    let lacks = r#"{"status":404,"error_type":"not_found","detail":"Not Found"}"#;
    assert_eq!(quay(json(200, has), refused()).await, "ok");
    let missing = "destination_missing";
    assert_eq!(quay(json(404, lacks), refused()).await, missing);
    assert_eq!(quay(json(401, "{}"), refused()).await, "unchecked");
}

#[tokio::test(flavor = "multi_thread")]
async fn insecure_host_without_tls_is_queried_over_http() {
    let registry = registry_with(&["a:1"]).await;
    let proxy = FaultProxy::start(registry.address()).await;
    proxy.add(Rule::new("GET", HUB).does(json(200, HUB_HAS)));
    let environment = branch_with("");
    let row = format!("{}/a mirror/app 1\n", registry.host());
    environment.write("images-list", row);
    let conf = format!("{}insecure = true\n", remapped("docker.io", &proxy));
    environment.write("registries.conf", conf);
    environment
        .mirror("check-new --registries-conf registries.conf")
        .exits(0);
    assert_eq!(proxy.count("", ""), 1, "{:?}", proxy.requests());
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_repository_is_queried_once_and_names_the_owner() {
    let registry = registry_with(&["a:1", "a:2", "a:3"]).await;
    let proxy = FaultProxy::start(registry.address()).await;
    proxy.add(Rule::new("GET", HUB).does(json(404, r#"{"message":"object not found"}"#)));
    let r = registry.host();
    let environment = branch_with(&format!("{r}/a mirror/known 1\n"));
    environment.write(
        "images-list",
        format!(
            "{r}/a mirror/app 1\n{r}/a mirror/app 2\n{r}/a mirror/known 1\n{r}/a mirror/known 3\n"
        ),
    );
    environment.write("registries.conf", remapped("docker.io", &proxy));
    let output = environment
        .mirror_without_vv("check-new --registries-conf registries.conf")
        .exits(1);
    let advice = "the destination repository docker.io/mirror/app does not exist, or is hidden from anonymous requests: ask the owners of mirror at docker.io to create it and to let the mirror's account push to it (CONTRIBUTING, \"A new image\")\n";
    let want = format!(
        "images-list:1: {advice}images-list:2: {advice}3 new rows, 1 ok, 2 without a destination repository since "
    );
    assert!(output.stdout.starts_with(&want), "{}", output.stdout);
    assert_eq!(
        proxy.count("", ""),
        2,
        "one request each to API and tag list: {:?}",
        proxy.requests()
    );
}
