//! Many entries at once, some of which hang.

use std::io::Read;
use std::net::TcpListener;
use std::process::Stdio;
use std::time::{Duration, Instant};

use embedded_registry::{Registry, RunningRegistry};
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::github::{FakeGithub, Release};
use testkit::proxy::{Action, FaultProxy, Rule};
use testkit::{Chart, FileServer, index_charts};

use super::place;
use crate::add_tag::{push, registry_with};
use crate::environment::Finished;

const LATENCY: Duration = Duration::from_millis(50);

/// A registry far away, with four entries' images, whose tags come in three pages.
async fn far_away() -> RunningRegistry {
    let registry = Registry::new().latency(LATENCY).page_limit(2);
    let registry = registry.access_log(1000).start().await.unwrap();
    for name in ["a", "b", "c", "d"] {
        let tags = ["1", "2", "3", "4", "5"].map(|tag| format!("{name}:{tag}"));
        push(&registry, &tags.each_ref().map(String::as_str));
    }
    registry
}

/// A repository with a chart, far away too.
async fn charts_far_away() -> ((TempDir, FileServer), FaultProxy) {
    let folder = tempfile::tempdir().unwrap();
    let web = Chart::new("web", "1.0.0").pod("web", "example.com/web:1");
    web.package(folder.path(), &[]).await;
    index_charts(folder.path()).await;
    let files = FileServer::start(folder.path()).await;
    let proxy = FaultProxy::start(files.address()).await;
    proxy.set_latency(LATENCY);
    ((folder, files), proxy)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_takes_as_long_as_its_slowest_entry() {
    let mut config = json!({});
    let mut registries = Vec::new();
    for number in 0..6 {
        let registry = far_away().await;
        for name in ["a", "b", "c", "d"] {
            let images = [format!("{}/{name}", registry.host())];
            config[format!("{name}{number}")] =
                json!({"images": images, "versionSource": "registry"});
        }
        registries.push(registry);
    }
    let github = FakeGithub::new().latency(LATENCY).start().await;
    for name in ["a", "b", "c", "d", "e"] {
        for tag in 0..101 {
            github.release(&format!("o/{name}"), Release::new(&format!("v{tag}")));
        }
        let source = format!("github-releases:o/{name}");
        config[format!("g{name}")] = json!({"images": ["o/x"], "versionSource": source});
    }
    let (_files, charts) = charts_far_away().await;
    let source = format!("helm-latest:http://{}", charts.host());
    config["chart"] = json!({"versionSource": source, "helmCharts": {"web": {}}});
    assert_eq!(config.as_object().unwrap().len(), 30);

    let environment = place(Some(&github), &config, "");
    let timed = |line: &str| {
        let start = Instant::now();
        let done = environment.mirror(line).exits(0);
        (start.elapsed(), done.json())
    };
    // One of each kind.
    let alone = ["a0", "ga", "chart"].map(|name| timed(&format!("retrieve-tags --entry {name}")).0);
    let slowest = alone.into_iter().max().unwrap();
    let requests = || {
        let of_registries = registries.iter().map(RunningRegistry::request_count);
        of_registries.sum::<u64>() + github.requests().len() as u64
    };
    let before = requests();
    let (took, document) = timed("retrieve-tags");
    let one_by_one = LATENCY * u32::try_from(requests() - before).unwrap();
    println!(
        "30 entries over 8 hosts, 50 ms latency: {took:?}; its slowest entry alone: {slowest:?}; \
         the registries' and GitHub's answers one by one: {one_by_one:?}"
    );
    let entries = document.as_object().unwrap();
    assert_eq!(entries.len(), 30);
    let is_full = |entry: &Value| entry["tags"].as_array().is_none_or(|tags| tags.len() >= 5);
    assert!(entries.values().all(is_full), "{document}");
    assert!(
        github.most_at_once() > 1,
        "GitHub is asked for one thing at a time"
    );
    // Twice the bound, for machines that are busy; the figures are above.
    assert!(
        took < slowest + Duration::from_secs(2),
        "{took:?}, {slowest:?}"
    );
    assert!(took < one_by_one, "{took:?}, {one_by_one:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_hangs_holds_nobody_and_says_how_long_it_had() {
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
    let environment = place(None, &config, &list);
    let start = Instant::now();
    let done = environment
        .mirror("retrieve-tags --deadline 2s --apply")
        .exits(1);
    let took = start.elapsed();
    assert!(took < Duration::from_secs(15), "{took:?}");
    let images = [format!("{host}/good")];
    assert_eq!(
        done.json(),
        json!({"good": {"images": images, "tags": ["1"]}})
    );
    let lines = done.stderr.lines();
    let failed: Vec<_> = lines.filter(|line| line.contains("ERROR")).collect();
    assert_eq!(failed.len(), 2, "{}", done.stderr);
    let want =
        "config.json:2: stuck: there was no result within the deadline of 2 s: see with -vv who ";
    assert!(failed[0].contains(want), "{failed:?}");
    assert!(
        failed[1].contains(": charts: ") && failed[1].contains("within 1.5 s of the deadline"),
        "{failed:?}"
    );
    assert!(failed[1].contains("deadline of 2 s"), "{failed:?}");
    let list = environment.read("images-list");
    assert!(
        list.contains(" r.io/m/good 1\n"),
        "what was found is added: {list}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_that_hangs_holds_no_other_of_its_registry() {
    let registry = registry_with(&["good:1"]).await;
    let proxy = FaultProxy::start(registry.address()).await;
    proxy.add(Rule::new("", "/stuck/").does(Action::Stall));
    let host = proxy.host();
    let of = |name| json!({"images": [format!("{host}/{name}")], "versionSource": "registry"});
    // Asked first, it is the one from which all others would learn what the registry wants.
    let config = json!({"stuck": of("stuck"), "good": of("good"), "again": of("good")});
    let environment = place(None, &config, "");
    let done = environment.mirror("retrieve-tags --deadline 8s").exits(1);
    let good = json!({"images": [format!("{host}/good")], "tags": ["1"]});
    assert_eq!(done.json(), json!({"good": good, "again": good}));
}

#[test]
fn an_interrupt_ends_it_and_leaves_the_list() {
    // Takes connections and says nothing.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap();
    let config = json!({"a": {"images": [format!("{host}/a")], "versionSource": "registry"}});
    let list = format!("{host}/a r.io/m/a 1\n");
    let environment = place(None, &config, &list);
    let mut command = environment.command();
    command.args(["retrieve-tags", "--apply", "--output", "json"]);
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let (mut connection, _) = listener.accept().unwrap();
    // Once it asks, it listens for signals.
    connection.read_exact(&mut [0]).unwrap();
    environment.run("kill", &["-TERM", &child.id().to_string()]);
    let done = Finished::of(child.wait_with_output().unwrap()).exits(130);
    let said = "interrupted; what was written or proposed before stands";
    assert_eq!(done.json()["error"]["message"], said);
    assert_eq!(environment.read("images-list"), list);
    assert_eq!(environment.files(), ["config.json", "images-list"]);
}
