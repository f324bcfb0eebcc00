//! Reviews of pull requests that change `targets.json`.

use std::os::unix::fs::symlink;

use serde_json::json;

use super::Mirrors;
use crate::environment::push_tags;

/// Makes the files the base of a branch.
fn commit_base(mirrors: &Mirrors) {
    let environment = &mirrors.environment;
    environment.commit_first(&["images-list", "targets.json"]);
    environment.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
    environment.git(&["checkout", "-qb", "topic"]);
}

/// Returns a branch whose base has two rows for three targets.
async fn branch_of_two_rows() -> Mirrors {
    let mirrors = Mirrors::new(&["a:1", "b:1"]).await;
    mirrors.write_list(&["a @all/a 1", "b @all/b 1"]);
    commit_base(&mirrors);
    mirrors.environment.mirror("check-new").exits(0);
    mirrors
}

#[tokio::test(flavor = "multi_thread")]
async fn every_effect_of_changed_targets_is_a_finding_unless_allowed() {
    let mirrors = branch_of_two_rows().await;
    let environment = &mirrors.environment;
    let evil = format!("{}/evil", mirrors.prime.host());
    let row = format!("`{}/a @all/a 1`", mirrors.source.host());
    type Change = fn(&mut serde_json::Value);
    let table: [(Change, &str); 4] = [
        (
            |it| it["targets"]["hub"]["prefix"] = "EVIL".into(),
            "goes to `EVIL` at the target `hub`, no longer to",
        ),
        (
            |it| it["groups"]["all"] = json!(["hub", "prime"]),
            "no longer goes to the target `ecr`",
        ),
        (
            |it| it["targets"]["hub"]["platforms"] = json!(["linux/amd64"]),
            "goes to the target `hub` with other settings (platforms)",
        ),
        (
            |it| it["targets"]["ecr"]["create"] = "push".into(),
            "goes to the target `ecr` with other settings (create)",
        ),
    ];
    for (change, want) in table {
        mirrors.write_targets(|targets| {
            change(targets);
            if targets["targets"]["hub"]["prefix"] == "EVIL" {
                targets["targets"]["hub"]["prefix"] = evil.as_str().into();
            }
        });
        let output = environment.mirror("check-new").exits(1);
        let want = format!("{row} {}", want.replace("EVIL", &evil));
        assert!(output.stdout.contains(&want), "{}", output.stdout);
        assert!(
            output
                .stdout
                .contains("like 1 row more; restore the file, or run with --allow-policy-changes"),
            "{}",
            output.stdout
        );
        environment
            .mirror("check-new --allow-policy-changes")
            .exits(0);
    }
    mirrors.write_targets(|targets| {
        targets["targets"]["hub"]["jobs"] = 3.into();
        targets["default"] = json!(["all"]);
    });
    environment.mirror("check-new").exits(0);
    environment.write("targets.json", "{}");
    let output = environment.mirror("check-new").exits(1);
    assert!(
        output
            .stdout
            .contains("targets.json:1: `targets` is missing"),
        "{}",
        output.stdout
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn new_row_needs_the_repositories_that_no_registry_creates() {
    let mirrors = Mirrors::new(&["a:1", "b:1"]).await;
    mirrors.write_list(&["a @all/a 1"]);
    mirrors.write_targets(|targets| targets["targets"]["prime"]["create"] = "push".into());
    commit_base(&mirrors);
    mirrors.write_list(&["a @all/a 1", "b @all/b 1"]);
    let environment = &mirrors.environment;
    let output = environment
        .mirror("check-new --output json")
        .exits(1)
        .json();
    let added = &output["added"][0];
    assert_eq!(
        (&added["destination"], &added["status"]),
        (&"@all/b".into(), &"destination_missing".into())
    );
    let message = added["message"].as_str().unwrap();
    assert_eq!(message.matches("does not exist").count(), 2, "{message}");
    push_tags(&mirrors.hub, &["org/b:0"]);
    push_tags(&mirrors.ecr, &["b:0"]);
    environment.mirror("check-new").exits(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn targets_behind_a_link_are_refused() {
    let mirrors = Mirrors::new(&["a:1"]).await;
    mirrors.write_list(&["a @all/a 1"]);
    commit_base(&mirrors);
    let environment = &mirrors.environment;
    let path = environment.path("targets.json");
    std::fs::rename(&path, environment.path("other.json")).unwrap();
    symlink("other.json", &path).unwrap();
    for line in ["check-new", "sync --changed-since main"] {
        let output = environment.mirror(line).exits(2);
        assert!(
            output.stderr.contains("targets.json"),
            "{line}: {}",
            output.stderr
        );
        assert!(
            output.stderr.contains("symbolic link"),
            "{line}: {}",
            output.stderr
        );
    }
    assert_eq!(mirrors.requests_to_targets(), 0);
}
