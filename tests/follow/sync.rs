//! First and later runs.

use embedded_registry::Registry;
use embedded_registry::images::Artifact;
use serde_json::json;
use testkit::github::{FakeGithub, Release};

use super::FollowedMirror;
use crate::environment::{push_tags, small_image};
use crate::lock::lock_lines;
use crate::retrieve_tags::environment_with;

#[tokio::test(flavor = "multi_thread")]
async fn sync_mirrors_what_the_filters_leave_and_locks_it() {
    let images = [
        "app:1.9.0",
        "app:1.10.0",
        "app:1.11.0",
        "app:2.0.0",
        "app:1.12.0-rc1",
        "app:edge",
    ];
    let keys = json!({"latest": 2, "versionConstraint": "<2", "exclude": "-rc"});
    let mirror = FollowedMirror::new(&images, keys).await;
    let environment = &mirror.environment;
    let document = environment.mirror("sync --output json").exits(0).json();
    let statuses = FollowedMirror::statuses(&document);
    assert_eq!(statuses, ["1.10.0 copied", "1.11.0 copied"]);
    assert_eq!(document["rows"][0]["entry"], "app");
    let entries = json!([{"entry": "app", "rows": 2, "error": null}]);
    assert_eq!(document["entries"], entries);
    assert_eq!(mirror.tags("app"), ["1.10.0", "1.11.0"]);
    let lines = lock_lines(environment);
    assert_eq!(lines.len(), 2, "{lines:?}");
    for (line, tag) in lines.iter().zip(["1.10.0", "1.11.0"]) {
        assert!(line.starts_with(&mirror.row("app", tag)), "{line}");
        assert!(line.ends_with(" source=follow:app"), "{line}");
    }
    let document = environment.mirror("compare --output json").exits(0).json();
    assert_eq!(
        FollowedMirror::statuses(&document),
        ["1.10.0 same", "1.11.0 same"]
    );
    assert_eq!(document["rows"][0]["entry"], "app");
    assert_eq!(document["entries"], entries);

    // A new version is followed. A version that is no longer among the newest stays in the mirror and
    // in the lock.
    let lock = environment.read("images-list.lock");
    push_tags(&mirror.source, &["app:1.12.0"]);
    let compared = environment.mirror("compare").exits(1);
    assert!(compared.stdout.contains("missing"), "{}", compared.stdout);
    let document = environment.mirror("sync --output json").exits(0).json();
    let statuses = FollowedMirror::statuses(&document);
    assert_eq!(statuses, ["1.11.0 unchanged", "1.12.0 copied"]);
    assert_eq!(mirror.tags("app"), ["1.10.0", "1.11.0", "1.12.0"]);
    let lines = lock_lines(environment);
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(environment.read("images-list.lock").starts_with(&lock));
    // A run without changes writes nothing.
    let written = environment.read("images-list.lock");
    environment.mirror("sync --locked").exits(0);
    assert_eq!(environment.read("images-list.lock"), written);
}

#[tokio::test(flavor = "multi_thread")]
async fn newest_of_ten_thousand_tags_cost_the_pages_and_two_requests_each() {
    const PAGES: u64 = 10;
    let source = Registry::new()
        .page_limit(1000)
        .access_log(100)
        .start()
        .await
        .unwrap();
    let image = small_image(1);
    for number in 0..10_000 {
        image.push(&source, "app", Some(&format!("1.{number}.0")));
    }
    let mut mirror = FollowedMirror::new(&[], json!({})).await;
    mirror.source = source;
    let keys = json!({"latest": 5, "versionConstraint": "~1"});
    mirror.configure(&json!({"app": mirror.entry("app", keys)}));
    let environment = &mirror.environment;
    let document = environment.mirror("sync --output json").exits(0).json();
    let newest: Vec<String> = (9995..10_000)
        .map(|number| format!("1.{number}.0 copied"))
        .collect();
    let mut statuses = FollowedMirror::statuses(&document);
    statuses.sort();
    assert_eq!(statuses, newest);
    // An unchanged run asks each side for each tag once.
    mirror.source.clear_requests();
    let document = environment
        .mirror("sync --no-referrers --output json")
        .exits(0)
        .json();
    assert_eq!(document["summary"]["unchanged"], 5);
    assert_eq!(document["summary"]["requests"], PAGES + 2 * 5);
    assert_eq!(mirror.source.request_count(), PAGES + 5);
    // The list of the version source also has the tags of signatures.
    mirror.source.clear_requests();
    environment.mirror("sync").exits(0);
    let requests = mirror.source.requests();
    let lists = requests
        .iter()
        .filter(|request| request.path.ends_with("/tags/list"));
    assert_eq!(lists.count() as u64, PAGES);
    // With the lock trusted, the source is asked for its list alone.
    mirror.source.clear_requests();
    let trusting = environment
        .mirror("sync --trust-lock --output json")
        .exits(0);
    assert_eq!(trusting.json()["summary"]["unchanged"], 5);
    assert_eq!(mirror.source.request_count(), PAGES);
}

#[tokio::test(flavor = "multi_thread")]
async fn signature_in_the_list_of_a_followed_entry_is_copied() {
    let mirror = FollowedMirror::new(&["app:1"], json!({})).await;
    let image = small_image(1);
    let signature = Artifact::new("application/vnd.example")
        .blob("text/plain", "x")
        .build();
    let tag = format!("{}.sig", image.digest().to_string().replace(':', "-"));
    signature.push(&mirror.source, "app", Some(&tag));
    mirror.environment.mirror("sync").exits(0);
    assert_eq!(mirror.tags("app"), ["1".to_owned(), tag]);
}

#[tokio::test(flavor = "multi_thread")]
async fn followed_tag_goes_to_each_target_of_its_entry() {
    let mirror = FollowedMirror::new(&["app:1"], json!({})).await;
    let environment = &mirror.environment;
    let host = mirror.destination.host();
    let targets = json!({
        "targets": {
            "one": {"prefix": format!("{host}/one")},
            "two": {"prefix": format!("{host}/two")},
        },
        "groups": {"all": ["one", "two"]},
    });
    environment.write("targets.json", targets.to_string());
    let mut entry = mirror.entry("app", json!({}));
    entry["images"][0]["destination"] = json!("@all/app");
    mirror.configure(&json!({"app": &entry}));
    environment.mirror("lint").exits(0);
    let document = environment.mirror("sync --output json").exits(0).json();
    assert_eq!(
        FollowedMirror::statuses(&document),
        ["1 copied", "1 copied"]
    );
    let targets: Vec<_> = (0..2)
        .map(|at| document["rows"][at]["target"].as_str())
        .collect();
    assert_eq!(targets, [Some("one"), Some("two")]);
    let row = format!("{}/app @all/app 1", mirror.source.host());
    assert_eq!(
        environment.mirror("expand").exits(0).stdout,
        format!("{row}\n")
    );
    let lines = lock_lines(environment);
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].starts_with(&row), "{lines:?}");
    let document = environment
        .mirror("sync --locked --target two --output json")
        .exits(0)
        .json();
    assert_eq!(FollowedMirror::statuses(&document), ["1 unchanged"]);

    entry["images"][0]["destination"] = json!("@none/app");
    mirror.configure(&json!({"app": entry}));
    let output = environment.mirror("lint").exits(1);
    assert!(
        output.stdout.contains("config.json:2: entry `app`: "),
        "{}",
        output.stdout
    );
    environment.mirror("sync").exits(1);
}

#[tokio::test(flavor = "multi_thread")]
async fn released_version_without_an_image_fails_its_row() {
    let github = FakeGithub::new().start().await;
    for tag in ["v1", "v2", "v3"] {
        github.release("o/r", Release::new(tag));
    }
    let mut mirror = FollowedMirror::new(&["app:v1", "app:v2"], json!({})).await;
    mirror.environment = environment_with(Some(&github), &json!({}), "");
    let keys = json!({"versionSource": "github-releases:o/r", "latest": 2});
    mirror.configure(&json!({"app": mirror.entry("app", keys)}));
    let document = mirror
        .environment
        .mirror("sync --output json")
        .exits(1)
        .json();
    let mut statuses = FollowedMirror::statuses(&document);
    statuses.sort();
    assert_eq!(statuses, ["v2 copied", "v3 failed"]);
    let rows = document["rows"].as_array().unwrap();
    let failed = rows.iter().find(|row| row["status"] == "failed").unwrap();
    let hint = failed["error"]["hint"].as_str().unwrap();
    assert!(
        hint.contains("run again later, or `exclude` the tag in the entry app"),
        "{hint}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn dry_run_lists_the_rows_and_writes_nothing() {
    let mirror = FollowedMirror::new(&["app:1"], json!({})).await;
    let environment = &mirror.environment;
    let output = environment.mirror("sync --dry-run --explain").exits(0);
    let (source, destination) = (mirror.source.host(), mirror.destination.host());
    let planned = format!("would copy  {source}/app:1 -> {destination}/m/app:1");
    assert!(output.stdout.contains(&planned), "{}", output.stdout);
    let explained = format!(
        "app:\n  followed  {source}/app:1 for {destination}/m/app, a tag of {source}/app\n"
    );
    assert!(output.stderr.contains(&explained), "{}", output.stderr);
    assert_eq!(environment.file_names(), ["config.json", "images-list"]);
    assert!(mirror.tags("app").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn explain_names_the_filter_that_drops_a_version() {
    let images = ["app:1.1", "app:1.2", "app:1.3", "app:2.0", "app:edge"];
    let mirror =
        FollowedMirror::new(&images, json!({"latest": 2, "versionConstraint": "<2"})).await;
    let output = mirror
        .environment
        .mirror("sync --dry-run --explain")
        .exits(0);
    for line in [
        "  dropped   1.1: `latest` 2: 1.2 and others are higher\n",
        "  dropped   2.0: `versionConstraint` \"<2\"\n",
        "  dropped   edge: `versionConstraint` \"<2\": not a comparable version\n",
    ] {
        assert!(output.stderr.contains(line), "{line}: {}", output.stderr);
    }
}
