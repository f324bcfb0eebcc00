//! What is printed: the entries, what counts as new, and what failed.

use embedded_registry::RunningRegistry;
use serde_json::{Value, json};
use testkit::github::{FakeGithub, Release, RunningGithub};

use super::place;
use crate::add_tag::registry_with;

/// `o/r` with two releases, each with a file of images.
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

/// Of `a` one tag is there, a neighbour in spelling of the other; of `b` one is commented out.
fn list(registry: &RunningRegistry) -> String {
    let r = registry.host();
    format!(
        "{r}/a r.io/somewhere/else 1.6.10\n# {r}/b r.io/b 1.6.1\no/r r.io/r v1.0.0\no/r r.io/r v1.1.0\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_new_is_one_object_in_the_order_of_the_file() {
    let (registry, github) = (
        registry_with(&["b:1.6.1", "b:1.6.10", "b:2"]).await,
        github().await,
    );
    let r = registry.host();
    let environment = place(Some(&github), &config(&registry), &list(&registry));
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
        let done = environment
            .mirror(&format!("retrieve-tags{options}"))
            .exits(1);
        assert_eq!(done.stdout, want, "{options}");
        let failed = done.stderr.lines().find(|line| line.contains("ERROR"));
        let failed = failed.unwrap_or_default();
        let said = " config.json:10: broken: GitHub has no repository o/none: check the name";
        assert!(failed.contains(said), "{}", done.stderr);
        let missing = "no-file: o/r has no other.txt at v1.1.0";
        assert!(done.stderr.contains(missing), "{}", done.stderr);
    }
    assert_eq!(
        environment.read("images-list"),
        list(&registry),
        "only asked"
    );
    assert_eq!(environment.files(), ["config.json", "images-list"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn named_entries_alone_are_asked() {
    let (registry, github) = (registry_with(&["b:1.6.1"]).await, github().await);
    let environment = place(Some(&github), &config(&registry), &list(&registry));
    let line = "retrieve-tags --entry files --entry nothing";
    let document = environment.mirror(line).exits(0).json();
    let names: Vec<_> = document.as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        ["nothing", "files"],
        "in the order of the file all the same"
    );
    assert_eq!(registry.request_count(), 0);
    assert_eq!(github.count("GET", "/repos/o/none"), 0);
    // One listing serves both.
    assert_eq!(github.count("GET", "/repos/o/r/releases"), 1);

    github.clear_requests();
    let done = environment
        .mirror("retrieve-tags --entry file,zeta,x")
        .exits(2);
    let want = "error: config.json has no entry file, x\n hint: it has zeta, broken, nothing, files, no-file\n";
    assert_eq!(done.stderr, want);
    let nobody = (registry.request_count(), github.requests().len());
    assert_eq!(nobody, (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn images_of_the_own_organisation_are_never_new() {
    let (registry, github) = (registry_with(&["b:1"]).await, github().await);
    let environment = place(Some(&github), &config(&registry), &list(&registry));
    let of = |options: &str| {
        let line = format!("retrieve-tags --entry files{options}");
        environment.mirror(&line).exits(0).json()["files"]["full_images"].clone()
    };
    assert_eq!(of(""), json!(["o/first:1", "o/second:2"]));
    assert_eq!(of(" --own-org o"), json!(["rancher/own:1"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_the_limits_are_said_once() {
    let (registry, github) = (registry_with(&["b:1"]).await, github().await);
    let environment = place(Some(&github), &config(&registry), &list(&registry));
    let environment = environment.with("GITHUB_TOKEN", "");
    let line = "retrieve-tags --entry files,nothing,no-file";
    let done = environment.mirror(line).exits(0);
    let said = "no GitHub token: GitHub allows 60 requests an hour";
    assert_eq!(done.stderr.matches(said).count(), 1, "{}", done.stderr);
    let environment = environment.with("GITHUB_TOKEN", testkit::CANARY);
    github.clear_requests();
    let done = environment.mirror(&format!("{line} -vv")).exits(0);
    assert!(!done.stderr.contains("no GitHub token"), "{}", done.stderr);
    assert!(
        github
            .requests()
            .iter()
            .all(|request| request.authenticated)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_gets_annotations_and_a_table() {
    let (registry, github) = (registry_with(&["b:1.6.1"]).await, github().await);
    let environment = place(Some(&github), &config(&registry), "");
    let summary = environment.path("summary");
    let environment = environment
        .with("GITHUB_ACTIONS", "true")
        .with("GITHUB_STEP_SUMMARY", summary.to_str().unwrap());
    let done = environment.mirror("retrieve-tags").exits(1);
    done.json();
    let annotation = "::error file=config.json,line=10::broken: GitHub has no repository o/none";
    assert!(done.stderr.contains(annotation), "{}", done.stderr);
    let summary = environment.read("summary");
    for row in [
        "\n| zeta | 1.6.1 for 2 images |\n",
        "\n| broken | failed: GitHub has no repository o/none",
        "\n| files | o/first:1, o/second:2 |\n",
        "\n| no-file | nothing |\n",
    ] {
        assert!(summary.contains(row), "{row}: {summary}");
    }
}
