//! Programs that attack the machine in place of helm and git.

use std::fs;

use serde_json::json;
use testkit::Chart;

use super::environment_with;
use crate::environment::TestEnvironment;

/// Writes within and outside of its directories, signals its parent, starts a process that stays, and
/// fails with a report in one line.
const STAND_IN: &str = r#"#!/bin/sh
sleep 600 &
child=$!
try() { if ("$@") 2>/dev/null; then echo "$1"; fi; }
outside() { echo x >OUTSIDE/new; }
changed() { echo x >>OUTSIDE/images-list; }
removed() { rm OUTSIDE/config.json; }
signaled() { kill -0 $PPID; }
inside() { test -n "$TMPDIR" && mkdir -p "$TMPDIR" && echo x >"$TMPDIR/new"; }
done=$(for attempt in outside changed removed signaled inside; do try $attempt; done)
names=$(env | sed 's/=.*//' | grep -v -e PWD -e SHLVL -e '^_$' | LC_ALL=C sort)
echo "ALL" $names "DID" $done "CORE" $(ulimit -c) "HOME" "${HOME:-none}" "CHILD" $child "END" >&2
exit 1
"#;

/// The report of the stand-in, in a message.
struct Report {
    names: String,
    did: String,
    core: String,
    home: String,
    child: String,
}

impl Report {
    fn find(text: &str) -> Self {
        let part = |from: &str, to: &str| {
            assert!(text.contains(from), "{text}");
            let (_, rest) = text.split_once(from).unwrap();
            rest.split_once(to).unwrap().0.trim().to_owned()
        };
        Self {
            names: part("ALL ", " DID"),
            did: part("DID ", "CORE"),
            core: part("CORE ", "HOME"),
            home: part("HOME ", "CHILD"),
            child: part("CHILD ", "END"),
        }
    }

    /// Fails unless the stand-in was confined. `may_write`: it has a temporary directory.
    fn assert_confined(&self, what: &str, may_write: bool, environment: &TestEnvironment) {
        let did = if may_write { "inside" } else { "" };
        if program_runner::has_landlock() {
            assert_eq!(self.did, did, "{what}");
            assert!(!environment.path("new").exists(), "{what}");
        }
        assert_eq!(self.core, "0", "{what}");
        for secret in ["TOKEN", "REGISTRY", "DOCKER", "SECRET"] {
            assert!(!self.names.contains(secret), "{what}: {}", self.names);
        }
        let home = environment.home();
        assert_ne!(self.home, home.to_str().unwrap(), "{what}");
        let status = fs::read_to_string(format!("/proc/{}/stat", self.child));
        let is_gone = status
            .is_ok_and(|status| !status.contains(") Z "))
            .then_some(());
        assert_eq!(is_gone, None, "{what}: the process {} stays", self.child);
    }
}

fn environment_of(config: &serde_json::Value) -> TestEnvironment {
    let environment = environment_with(None, config, "");
    let script = STAND_IN.replace("OUTSIDE", environment.path("").to_str().unwrap());
    let directory = environment.install_script("stand-in", "git", &script);
    environment.install_script("stand-in", "helm", &script);
    let helm = directory.join("helm");
    let path = format!("{}:/usr/bin:/bin", directory.display());
    environment
        .with_env("PATH", &path)
        .with_env("HELM", helm.to_str().unwrap())
        .with_env("GITHUB_TOKEN", "a-token")
        .with_env("AWS_SECRET_ACCESS_KEY", "a-key")
}

#[test]
fn helm_and_git_are_confined() {
    let charts = tempfile::tempdir().unwrap();
    Chart::new("web", "1.0.0")
        .pod("web", "example.com/web:1")
        .write(charts.path());
    let directory = charts.path().display();
    for (what, entry) in [
        (
            "show",
            json!({"versionSource": format!("helm-directory:{directory}"), "helmCharts": {"web": {}}}),
        ),
        (
            "repo update",
            json!({"versionSource": "helm-latest:https://127.0.0.1:1", "helmCharts": {"web": {}}}),
        ),
        (
            "ls-remote",
            json!({"versionSource": "git-tags:https://127.0.0.1:1/a", "images": ["a/b"]}),
        ),
    ] {
        let environment = environment_of(&json!({"entry": entry}));
        let output = environment.mirror("retrieve-tags").exits(1);
        Report::find(&output.stderr).assert_confined(what, true, &environment);
    }
}

#[test]
fn git_of_a_checkout_is_confined() {
    let environment = environment_of(&json!({}));
    environment.git(&["init", "-q"]);
    let output = environment.mirror("check-new").exits(2);
    Report::find(&output.stderr).assert_confined("check-new", false, &environment);
}

#[test]
fn confined_program_that_cannot_start_is_reported_as_such() {
    let environment = environment_of(&json!({
        "web": {"versionSource": "helm-latest:https://127.0.0.1:1", "helmCharts": {"web": {}}},
    }));
    let environment = environment.with_env("HELM", "/nowhere/helm");
    let output = environment.mirror("retrieve-tags").exits(1);
    let want = "cannot start /nowhere/helm: no such program: check HELM or PATH";
    assert!(output.stderr.contains(want), "{output:?}");
}
