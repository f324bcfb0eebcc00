//! Text from registries on terminals and in logs of GitHub runners.

use embedded_registry::Registry;
use serde_json::json;
use testkit::proxy::{Action, FaultProxy, Rule};

use crate::environment::TestEnvironment;

#[tokio::test(flavor = "multi_thread")]
async fn registry_text_controls_neither_terminal_nor_runner() {
    let registry = Registry::new().start().await.unwrap();
    let proxy = FaultProxy::start(registry.address()).await;
    let hostile = [
        "\u{1b}[2J",
        "::error::x",
        "a##[group]b",
        "\u{9b}31m",
        "v1\u{202e}",
        "a##VSO[task.setvariable variable=x]b",
    ];
    let tags = Action::answer(200).body(json!({"name": "a", "tags": hostile}).to_string());
    proxy.add(Rule::new("GET", "/tags/list").does(tags));
    let errors = json!({"errors": [{"code": "DENIED", "message": hostile.concat()}]});
    let denied = Action::answer(403).body(errors.to_string());
    proxy.add(Rule::new("", "/manifests/").does(denied));
    let environment = TestEnvironment::new().with_github_actions();
    environment.write("images-list", format!("{0}/a {0}/b 1\n", proxy.host()));
    let report = json!({
        "source": hostile[0], "destination": hostile[1], "tag": hostile[2], "status": "failed",
        "digest": null, "bytes_copied": 0, "warnings": [hostile[3]],
        "error": {"message": hostile.join("\n"), "hint": hostile[1]},
    });
    let dry_run = environment.mirror("sync --dry-run --output json").json();
    let report = json!({"summary": dry_run["summary"], "rows": [report]});
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
        let output = environment.mirror(line);
        for line in output.stdout.lines().chain(output.stderr.lines()) {
            assert_is_harmless(line);
        }
        if line.contains("--output json") {
            documents.push(output.json());
        }
    }
    for line in environment.read("summary.md").lines() {
        assert!(!line.contains(is_control), "{line:?}");
    }
    assert_eq!(documents[0], json!([]), "no entry is a tag");
    assert_eq!(
        documents[2]["rows"], report["rows"],
        "JSON keeps the values"
    );
}

fn is_control(c: char) -> bool {
    c.is_control() && c != '\t' || c == '\u{202e}'
}

#[track_caller]
fn assert_is_harmless(line: &str) {
    let harmless = check_is_harmless(line);
    assert!(harmless.is_ok(), "{harmless:?}");
}

/// Checks that neither a terminal nor a runner acts on a line, apart from annotations of this
/// program.
///
/// # Errors
///
/// The line.
pub(crate) fn check_is_harmless(line: &str) -> Result<(), String> {
    let annotations = ["::error file=", "::warning file="];
    let is_annotation = annotations.iter().any(|start| {
        let file = line
            .strip_prefix(start)
            .and_then(|rest| rest.split(',').next());
        file.is_some_and(|file| {
            [
                "images-list",
                "images-list.lock",
                "config.json",
                "targets.json",
            ]
            .contains(&file)
        })
    });
    // The reason why the command failed. The commands of the tests have the text `x`.
    let is_own = line.starts_with("::error::") && !line.starts_with("::error::x");
    let is_annotation = is_annotation || is_own;
    let is_command = line.trim_start().starts_with("::");
    let folded = line.to_lowercase();
    let is_azure_command = folded.contains("##[") || folded.contains("##vso[");
    let is_harmless =
        (!is_command || is_annotation) && !is_azure_command && !line.contains(is_control);
    is_harmless
        .then_some(())
        .ok_or_else(|| format!("the line {line:?}"))
}
