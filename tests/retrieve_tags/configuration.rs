//! What is wrong with the configuration: every command that reads it says so.

use serde_json::{Value, json};

use crate::check_new::branch_with;
use crate::environment::TestEnvironment;

const WRONG: &str = r#"{
  "a": {
    "images": ["x:1"],
    "versionSource": "registry",
    "latst": true
  },
  "b": {"versionSource": "helm-oci"},
  "a": {"images": ["y"], "versionSource": "github-releases:o/r", "latest_entry": true}
}
"#;

/// Lines and what is said there.
const PROBLEMS: [(u64, &str); 5] = [
    (
        3,
        "entry `a`: `images`: `x:1` has a tag or a digest: write the repository alone, `x`",
    ),
    (
        5,
        "entry `a`: unknown key `latst`; the nearest known key is `latest`",
    ),
    (
        7,
        "entry `b`: `helmCharts` is missing: versionSource `helm-oci` needs it",
    ),
    (8, "duplicate entry `a`: it is on line 2, column 3 already"),
    (
        8,
        "entry `a`: versionSource `github-releases` cannot use `latest_entry`; these can: registry",
    ),
];

fn assert_all(problems: &Value) {
    let problems = problems.as_array().unwrap();
    assert_eq!(problems.len(), PROBLEMS.len(), "{problems:#?}");
    for (line, message) in PROBLEMS {
        let said = problems.iter().any(|problem| {
            problem["file"] == "config.json"
                && problem["line"] == line
                && problem["message"].as_str().unwrap().contains(message)
        });
        assert!(said, "{line}: {message}: {problems:#?}");
    }
}

#[test]
fn every_problem_is_told_and_nobody_is_asked() {
    let environment = TestEnvironment::new();
    environment.write("config.json", WRONG);
    environment.write("images-list", "");
    let done = environment.mirror("retrieve-tags").exits(2);
    assert_eq!(done.stdout, "");
    for (line, message) in PROBLEMS {
        assert!(done.stderr.contains(message), "{message}: {}", done.stderr);
        let place = format!("config.json:{line}: ");
        assert!(done.stderr.contains(&place), "{place}: {}", done.stderr);
    }
    let said = "error: the configuration has 5 problems; nobody was asked\n";
    assert!(done.stderr.contains(said), "{}", done.stderr);
    let document = environment
        .mirror("retrieve-tags --output json")
        .exits(2)
        .json();
    assert_all(&document["problems"]);
    assert_eq!(
        document["error"]["message"],
        "the configuration has 5 problems; nobody was asked"
    );
}

#[test]
fn lint_and_check_new_find_them_too() {
    let environment = branch_with("");
    environment.write("config.json", WRONG);
    for command in ["lint", "check-new"] {
        let line = format!("{command} --output json");
        assert_all(&environment.mirror(&line).exits(1).json()["problems"]);
    }
    environment.write("config.json", "{}");
    environment.mirror("lint").exits(0);
    environment.mirror("check-new").exits(0);
}

#[test]
fn a_file_that_is_not_there_or_cannot_be_read() {
    let environment = TestEnvironment::new();
    environment.write("images-list", "");
    let done = environment.mirror("retrieve-tags").exits(2);
    let want = "error: there is no configuration: config.json does not exist\n hint: ";
    assert!(done.stderr.starts_with(want), "{}", done.stderr);
    // The default may be missing where a command can do without.
    environment.mirror("lint").exits(0);
    let missing = "error: cannot read the configuration gone.json: No such file or directory";
    for command in ["lint", "retrieve-tags"] {
        let done = environment.mirror(&format!("{command} --config gone.json"));
        let done = done.exits(2);
        assert!(
            done.stderr.starts_with(missing),
            "{command}: {}",
            done.stderr
        );
    }
    for (content, message) in [
        (&b"{\"a\": \xff}"[..], "it is not UTF-8"),
        (b"{\"a\": {\n", "config.json:"),
    ] {
        environment.write("config.json", content);
        let done = environment.mirror("retrieve-tags").exits(2);
        assert!(done.stderr.contains(message), "{message}: {}", done.stderr);
    }
}

#[test]
fn an_empty_configuration_asks_nobody() {
    let environment = TestEnvironment::new();
    environment.write("images-list", "");
    environment.write("config.json", "{}");
    let done = environment.mirror("retrieve-tags").exits(0);
    assert_eq!(done.json(), json!({}));
    let done = environment.mirror("retrieve-tags --dry-run").exits(2);
    let want = "error: --dry-run without --apply or --open-prs: ";
    assert!(done.stderr.starts_with(want), "{}", done.stderr);
}
