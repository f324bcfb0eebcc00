//! The printed result: entries, new tags and failures.

use embedded_registry::RunningRegistry;
use serde_json::{Value, json};
use testkit::github::{FakeGithub, Release, RunningGithub};

use super::environment_with;
use crate::environment::registry_with;

/// A GitHub where `o/r` has two releases, each with an images file.
async fn github() -> RunningGithub {
    let github = FakeGithub::new().start().await;
    for (tag, image) in [("v1.0.0", "o/first:1"), ("v1.1.0", "o/second:2")] {
        let file = format!("{image}\nrancher/own:1\n");
        github.tag("o/r", tag, &[("images.txt", &file)]);
        github.release("o/r", Release::new(tag));
    }
    github
}

fn config(registry: &RunningRegistry) -> Value {
    let r = registry.host();
    json!({
        "zeta": {
            "images": [format!("{r}/b"), format!("{r}/a")],
            "versionSource": "registry",
            "versionFilter": "^1\\.",
        },
        "broken": {"images": ["o/x"], "versionSource": "github-releases:o/none"},
        "nothing": {"images": ["o/r"], "versionSource": "github-releases:o/r"},
        "files": {
            "versionSource": "github-tagged-images-file:o/r",
            "imagesFilePath": "images.txt",
        },
        "no-file": {
            "versionSource": "github-tagged-images-file:o/r",
            "imagesFilePath": "other.txt",
        },
    })
}

/// A list that has `a:1.6.10` but not `a:1.6.1`, and a commented-out row of `b`.
fn list(registry: &RunningRegistry) -> String {
    let r = registry.host();
    format!(
        "{r}/a r.io/somewhere/else 1.6.10\n# {r}/b r.io/b 1.6.1\no/r r.io/r v1.0.0\no/r r.io/r v1.1.0\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn result_is_one_object_in_the_order_of_the_config() {
    let (registry, github) = (
        registry_with(&["b:1.6.1", "b:1.6.10", "b:2"]).await,
        github().await,
    );
    let r = registry.host();
    let environment = environment_with(Some(&github), &config(&registry), &list(&registry));
    let want = format!(
        r#"{{
  "zeta": {{
    "images": [
      "{r}/a",
      "{r}/b"
    ],
    "tags": [
      "1.6.1",
      "1.6.10"
    ]
  }},
  "nothing": {{
    "images": [],
    "tags": []
  }},
  "files": {{
    "full_images": [
      "o/first:1",
      "o/second:2"
    ]
  }},
  "no-file": {{
    "full_images": []
  }}
}}
"#
    );
    for options in ["", " --output json"] {
        let output = environment
            .mirror(&format!("retrieve-tags --own-org rancher{options}"))
            .exits(1);
        assert_eq!(output.stdout, want, "{options}");
        let failed = output.stderr.lines().find(|line| line.contains("ERROR"));
        let failed = failed.unwrap_or_default();
        let message = " config.json:10: broken: GitHub has no repository o/none: check the name";
        assert!(failed.contains(message), "{}", output.stderr);
        let missing = "no-file: o/r has no other.txt at v1.1.0";
        assert!(output.stderr.contains(missing), "{}", output.stderr);
    }
    assert_eq!(
        environment.read("images-list"),
        list(&registry),
        "the list stays"
    );
    assert_eq!(environment.file_names(), ["config.json", "images-list"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn entry_limits_the_run_to_the_named_entries() {
    let (registry, github) = (registry_with(&["b:1.6.1"]).await, github().await);
    let environment = environment_with(Some(&github), &config(&registry), &list(&registry));
    let line = "retrieve-tags --entry files --entry nothing";
    let document = environment.mirror(line).exits(0).json();
    let names: Vec<_> = document.as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        ["nothing", "files"],
        "still in the order of the config"
    );
    assert_eq!(registry.request_count(), 0);
    assert_eq!(github.count("GET", "/repos/o/none"), 0);
    // Both entries share one listing.
    assert_eq!(github.count("GET", "/repos/o/r/releases"), 1);

    github.clear_requests();
    let output = environment
        .mirror("retrieve-tags --entry file,zeta,x")
        .exits(2);
    let want = "error: config.json has no entry file, x\n hint: available entries: zeta, broken, nothing, files, no-file\n";
    assert_eq!(output.stderr, want);
    let requests = (registry.request_count(), github.requests().len());
    assert_eq!(requests, (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn images_of_your_organization_are_never_new() {
    let (registry, github) = (registry_with(&["b:1"]).await, github().await);
    let environment = environment_with(Some(&github), &config(&registry), &list(&registry));
    let images = |options: &str| {
        let line = format!("retrieve-tags --entry files{options}");
        environment.mirror(&line).exits(0).json()["files"]["full_images"].clone()
    };
    assert_eq!(
        images(""),
        json!(["o/first:1", "o/second:2", "rancher/own:1"])
    );
    let other = images(" --own-org rancher");
    assert_eq!(other, json!(["o/first:1", "o/second:2"]));
    assert_eq!(images(" --own-org o"), json!(["rancher/own:1"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_github_token_is_reported_once() {
    let (registry, github) = (registry_with(&["b:1"]).await, github().await);
    let environment = environment_with(Some(&github), &config(&registry), &list(&registry));
    let environment = environment.with_env("GITHUB_TOKEN", "");
    let line = "retrieve-tags --entry files,nothing,no-file";
    let output = environment.mirror(line).exits(0);
    let warning = "no GitHub token: GitHub allows 60 requests per hour";
    assert_eq!(
        output.stderr.matches(warning).count(),
        1,
        "{}",
        output.stderr
    );
    let environment = environment.with_env("GITHUB_TOKEN", testkit::CANARY);
    github.clear_requests();
    let output = environment.mirror(&format!("{line} -vv")).exits(0);
    assert!(
        !output.stderr.contains("no GitHub token"),
        "{}",
        output.stderr
    );
    assert!(
        github
            .requests()
            .iter()
            .all(|request| request.authenticated)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn github_actions_gets_annotations_and_a_step_summary() {
    let (registry, github) = (registry_with(&["b:1.6.1"]).await, github().await);
    let environment = environment_with(Some(&github), &config(&registry), "");
    let environment = environment.with_github_actions();
    let output = environment
        .mirror("retrieve-tags --own-org rancher")
        .exits(1);
    output.json();
    let annotation = "::error file=config.json,line=10::broken: GitHub has no repository o/none";
    assert!(output.stderr.contains(annotation), "{}", output.stderr);
    let summary = environment.read("summary.md");
    for row in [
        "\n| zeta | 1.6.1 for 2 images |\n",
        "\n| broken | failed: GitHub has no repository o/none",
        "\n| files | o/first:1, o/second:2 |\n",
        "\n| no-file | nothing |\n",
    ] {
        assert!(summary.contains(row), "{row}: {summary}");
    }
}
