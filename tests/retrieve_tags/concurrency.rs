//! Concurrent entries, and entries that hang.

use std::io::Read;
use std::net::TcpListener;
use std::time::Duration;

use embedded_registry::{Registry, RunningRegistry};
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::github::{FakeGithub, Release};
use testkit::proxy::{Action, FaultProxy, Rule};
use testkit::{Chart, FileServer, index_charts};

use super::environment_with;
use crate::environment::{
    max_in_flight, output_of, push_tags, registry_with, send_signal, spawn_piped,
};

const LATENCY: Duration = Duration::from_millis(50);

/// Repositories of a slow registry, with an entry each.
const REPOSITORIES: [&str; 4] = ["a", "b", "c", "d"];

/// A slow registry with four repositories whose tags take three pages.
async fn slow_registry() -> (RunningRegistry, FaultProxy) {
    let registry = Registry::new().page_limit(2).start().await.unwrap();
    for name in REPOSITORIES {
        let tags = ["1", "2", "3", "4", "5"].map(|tag| format!("{name}:{tag}"));
        push_tags(&registry, &tags.each_ref().map(String::as_str));
    }
    let proxy = FaultProxy::start(registry.address()).await;
    proxy.set_latency(LATENCY);
    (registry, proxy)
}

/// A slow repository with one chart.
async fn slow_charts() -> ((TempDir, FileServer), FaultProxy) {
    let directory = tempfile::tempdir().unwrap();
    let web = Chart::new("web", "1.0.0").pod("web", "example.com/web:1");
    web.package(directory.path(), &[]).await;
    index_charts(directory.path()).await;
    let files = FileServer::start(directory.path()).await;
    let proxy = FaultProxy::start(files.address()).await;
    proxy.set_latency(LATENCY);
    ((directory, files), proxy)
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_run_concurrently() {
    let mut config = json!({});
    let mut registries = Vec::new();
    for number in 0..6 {
        let (registry, proxy) = slow_registry().await;
        for name in REPOSITORIES {
            let images = [format!("{}/{name}", proxy.host())];
            config[format!("{name}{number}")] =
                json!({"images": images, "versionSource": "registry"});
        }
        registries.push((registry, proxy));
    }
    let github = FakeGithub::new().latency(LATENCY).start().await;
    for name in ["a", "b", "c", "d", "e"] {
        for tag in 0..101 {
            github.release(&format!("o/{name}"), Release::new(&format!("v{tag}")));
        }
        let source = format!("github-releases:o/{name}");
        config[format!("g{name}")] = json!({"images": ["o/x"], "versionSource": source});
    }
    let (_files, charts) = slow_charts().await;
    let source = format!("helm-latest:http://{}", charts.host());
    config["chart"] = json!({"versionSource": source, "helmCharts": {"web": {}}});
    assert_eq!(config.as_object().unwrap().len(), 30);

    let environment = environment_with(Some(&github), &config, "");
    let document = environment.mirror("retrieve-tags").exits(0).json();
    let entries = document.as_object().unwrap();
    assert_eq!(entries.len(), 30);
    let is_full = |entry: &Value| entry["tags"].as_array().is_none_or(|tags| tags.len() >= 5);
    assert!(entries.values().all(is_full), "{document}");
    assert!(github.max_in_flight() > 1, "GitHub requests are sequential");
    let requests = registries.iter().map(|(_, proxy)| proxy.requests());
    let in_flight = max_in_flight(&requests.collect::<Vec<_>>().concat());
    // More than the entries of one registry: several registries at once.
    assert!(in_flight > REPOSITORIES.len(), "{in_flight} at once");
}

#[tokio::test(flavor = "multi_thread")]
async fn hanging_entry_fails_at_the_deadline_and_delays_no_other() {
    let registry = registry_with(&["good:1", "stuck:1"]).await;
    let proxy = FaultProxy::start(registry.address()).await;
    proxy.add(Rule::new("", "").does(Action::Stall));
    let (stuck, host) = (proxy.host(), registry.host());
    let config = json!({
        "stuck": {"images": [format!("{stuck}/stuck")], "versionSource": "registry"},
        "charts": {
            "versionSource": format!("helm-latest:http://{stuck}"),
            "helmCharts": {"web": {}},
        },
        "good": {"images": [format!("{host}/good")], "versionSource": "registry"},
    });
    let list = format!("{host}/good r.io/m/good 0\n");
    let environment = environment_with(None, &config, &list);
    let output = environment
        .mirror("retrieve-tags --deadline 2s --apply")
        .exits(1);
    let images = [format!("{host}/good")];
    assert_eq!(
        output.json(),
        json!({"good": {"images": images, "tags": ["1"]}})
    );
    let lines = output.stderr.lines();
    let failed: Vec<_> = lines.filter(|line| line.contains("ERROR")).collect();
    assert_eq!(failed.len(), 2, "{}", output.stderr);
    let want = "config.json:2: stuck: no result within the deadline of 2 s: run with -vv ";
    assert!(failed[0].contains(want), "{failed:?}");
    assert!(
        failed[1].contains(": charts: ") && failed[1].contains("within 1.5 s of the deadline"),
        "{failed:?}"
    );
    assert!(failed[1].contains("deadline of 2 s"), "{failed:?}");
    let list = environment.read("images-list");
    assert!(
        list.contains(" r.io/m/good 1\n"),
        "the result of the other entry is added: {list}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn hanging_repository_does_not_delay_others_of_its_registry() {
    let registry = registry_with(&["good:1"]).await;
    let proxy = FaultProxy::start(registry.address()).await;
    proxy.add(Rule::new("", "/stuck/").does(Action::Stall));
    let host = proxy.host();
    let entry = |name| json!({"images": [format!("{host}/{name}")], "versionSource": "registry"});
    // The first request to a registry probes its authentication: here that one hangs.
    let config = json!({"stuck": entry("stuck"), "good": entry("good"), "again": entry("good")});
    let environment = environment_with(None, &config, "");
    let output = environment.mirror("retrieve-tags --deadline 8s").exits(1);
    let good = json!({"images": [format!("{host}/good")], "tags": ["1"]});
    assert_eq!(output.json(), json!({"good": good, "again": good}));
}

#[test]
fn interrupted_retrieve_tags_leaves_the_list_unchanged() {
    // Accepts connections and sends nothing.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap();
    let config = json!({"a": {"images": [format!("{host}/a")], "versionSource": "registry"}});
    let list = format!("{host}/a r.io/m/a 1\n");
    let environment = environment_with(None, &config, &list);
    let mut command = environment.mirror_command();
    command.args(["retrieve-tags", "--apply", "--output", "json"]);
    let child = spawn_piped(&mut command);
    let (mut connection, _) = listener.accept().unwrap();
    // The binary installs its signal handlers before its first request.
    connection.read_exact(&mut [0]).unwrap();
    send_signal(&child, "TERM");
    let output = output_of(child).exits(130);
    let message = "interrupted; completed writes and pull requests were kept";
    assert_eq!(output.json()["error"]["message"], message);
    assert_eq!(environment.read("images-list"), list);
    assert_eq!(environment.file_names(), ["config.json", "images-list"]);
}
