//! Problems in the configuration, for every command that reads it.

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

/// The line and the message of each problem.
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
        "entry `b`: `helmCharts` is missing: versionSource `helm-oci` requires it",
    ),
    (8, "duplicate entry `a`: already on line 2, column 3"),
    (
        8,
        "entry `a`: versionSource `github-releases` does not accept `latest_entry`; accepted by: registry",
    ),
];

fn assert_all_problems(problems: &Value) {
    let problems = problems.as_array().unwrap();
    assert_eq!(problems.len(), PROBLEMS.len(), "{problems:#?}");
    for (line, message) in PROBLEMS {
        let reported = problems.iter().any(|problem| {
            problem["file"] == "config.json"
                && problem["line"] == line
                && problem["message"].as_str().unwrap().contains(message)
        });
        assert!(reported, "{line}: {message}: {problems:#?}");
    }
}

#[test]
fn retrieve_tags_reports_every_config_problem_and_sends_no_request() {
    let environment = TestEnvironment::new();
    environment.write("config.json", WRONG);
    environment.write("images-list", "");
    let output = environment.mirror("retrieve-tags").exits(2);
    assert_eq!(output.stdout, "");
    for (line, message) in PROBLEMS {
        assert!(
            output.stderr.contains(message),
            "{message}: {}",
            output.stderr
        );
        let location = format!("config.json:{line}: ");
        assert!(
            output.stderr.contains(&location),
            "{location}: {}",
            output.stderr
        );
    }
    let summary = "error: the configuration has 5 problems; no request was sent\n";
    assert!(output.stderr.contains(summary), "{}", output.stderr);
    let document = environment
        .mirror("retrieve-tags --output json")
        .exits(2)
        .json();
    assert_all_problems(&document["problems"]);
    assert_eq!(
        document["error"]["message"],
        "the configuration has 5 problems; no request was sent"
    );
}

#[test]
fn lint_and_check_new_report_config_problems() {
    let environment = branch_with("");
    environment.write("config.json", WRONG);
    for command in ["lint", "check-new"] {
        let line = format!("{command} --output json");
        assert_all_problems(&environment.mirror(&line).exits(1).json()["problems"]);
    }
    environment.write("config.json", "{}");
    environment.mirror("lint").exits(0);
    environment.mirror("check-new").exits(0);
}

#[test]
fn missing_or_unreadable_config_exits_2() {
    let environment = TestEnvironment::new();
    environment.write("images-list", "");
    let output = environment.mirror("retrieve-tags").exits(2);
    let want = "error: cannot read the configuration: config.json does not exist\n hint: ";
    assert!(output.stderr.starts_with(want), "{}", output.stderr);
    // `lint` needs no configuration: only a file named by --config must exist.
    environment.mirror("lint").exits(0);
    let missing = "error: cannot read the configuration gone.json: No such file or directory";
    for command in ["lint", "retrieve-tags"] {
        let output = environment.mirror(&format!("{command} --config gone.json"));
        let output = output.exits(2);
        assert!(
            output.stderr.starts_with(missing),
            "{command}: {}",
            output.stderr
        );
    }
    for (content, message) in [
        (&b"{\"a\": \xff}"[..], "config.json: not UTF-8"),
        (b"{\"a\": {\n", "config.json:"),
    ] {
        environment.write("config.json", content);
        let output = environment.mirror("retrieve-tags").exits(2);
        assert!(
            output.stderr.contains(message),
            "{message}: {}",
            output.stderr
        );
    }
}

#[test]
fn empty_config_sends_no_request() {
    let environment = TestEnvironment::new();
    environment.write("images-list", "");
    environment.write("config.json", "{}");
    let output = environment.mirror("retrieve-tags").exits(0);
    assert_eq!(output.json(), json!({}));
    let output = environment.mirror("retrieve-tags --dry-run").exits(2);
    let want = "error: --dry-run requires --apply or --open-prs";
    assert!(output.stderr.starts_with(want), "{}", output.stderr);
}

/// A bad value was a panic, or an error after seconds of retries that did not name the variable.
#[test]
fn invalid_variables_are_usage_errors_before_any_request() {
    let table = [
        ("GITHUB_TOKEN", "gh\np", "the token has a line break"),
        ("GITLAB_TOKEN", "a\nb", "the token has a line break"),
        ("GITHUB_API_URL", "foo", "the URL has no scheme"),
        ("GITHUB_API_URL", "http://", "the URL has no host"),
        (
            "GITLAB_HOST",
            "https://gitlab.example.org",
            "the value has the scheme https://",
        ),
    ];
    for (variable, value, cause) in table {
        let environment = TestEnvironment::new().with_env(variable, value);
        let entry = json!({"versionSource": "github-releases:a/b", "images": ["x"]});
        environment.write("config.json", json!({"app": entry}).to_string());
        environment.write("images-list", "");
        for line in ["retrieve-tags", "retrieve-tags --open-prs"] {
            let output = environment
                .mirror(&format!("{line} --output json"))
                .exits(2);
            let document = output.json();
            let message = document["error"]["message"].as_str().unwrap_or_default();
            let named = message.contains(&format!("invalid {variable}")) && message.contains(cause);
            assert!(named, "{variable}={value:?}: {output:?}");
        }
        // Other commands do not use them.
        environment.mirror("lint").exits(0);
    }
}
