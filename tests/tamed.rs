//! Upstream data on the screen and in the log of a runner.

use embedded_registry::Registry;
use serde_json::json;
use testkit::proxy::{Action, FaultProxy, Rule};

use crate::environment::TestEnvironment;

#[tokio::test(flavor = "multi_thread")]
async fn what_upstream_says_does_nothing_to_terminals_and_runners() {
    let registry = Registry::new().start().await.unwrap();
    let proxy = FaultProxy::start(registry.address()).await;
    let wild = [
        "\u{1b}[2J",
        "::error::x",
        "a##[group]b",
        "\u{9b}31m",
        "v1\u{202e}",
    ];
    let tags = Action::answer(200).body(json!({"name": "a", "tags": wild}).to_string());
    proxy.add(Rule::new("GET", "/tags/list").does(tags));
    let errors = json!({"errors": [{"code": "DENIED", "message": wild.concat()}]});
    let denied = Action::answer(403).body(errors.to_string());
    proxy.add(Rule::new("", "/manifests/").does(denied));
    let environment = TestEnvironment::new().with("GITHUB_ACTIONS", "true");
    environment.write("images-list", format!("{0}/a {0}/b 1\n", proxy.host()));
    let report = json!({
        "source": wild[0], "destination": wild[1], "tag": wild[2], "status": "failed",
        "digest": null, "bytes_copied": 0, "warnings": [wild[3]],
        "error": {"message": wild.join("\n"), "hint": wild[1]},
    });
    let sums = environment.mirror("sync --dry-run --output json").json();
    let report = json!({"summary": sums["summary"], "rows": [report]});
    environment.write("report.json", report.to_string());
    let host = proxy.host();
    let mut documents = Vec::new();
    for line in [
        &format!("tags {host}/a"),
        &format!("tags {host}/a --output json"),
        "sync -vv",
        "sync -vv --log-format json --output json",
        "report merge report.json",
        "report merge report.json --output json",
    ] {
        let done = environment.mirror(line);
        for line in done.stdout.lines().chain(done.stderr.lines()) {
            let ours = line.starts_with("::error file=images-list,line=1::");
            assert!(!line.trim_start().starts_with("::") || ours, "{line:?}");
            assert!(!line.contains("##["), "{line:?}");
            let acts = |c: char| c.is_control() && c != '\t' || c == '\u{202e}';
            assert!(!line.contains(acts), "{line:?}");
        }
        if line.contains("--output json") {
            documents.push(done.json());
        }
    }
    let mut tags: Vec<_> = documents[0].as_array().unwrap().clone();
    tags.sort_by_key(|tag| wild.iter().position(|wild| tag == wild));
    assert_eq!(tags, wild, "the values are the same");
    assert_eq!(documents[2]["rows"], report["rows"]);
}
