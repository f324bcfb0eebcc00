//! Rows that write other tags than that of the source, and rows that pin a digest.

use embedded_registry::RunningRegistry;
use serde_json::{Value, json};

use crate::environment::{TestEnvironment, push_other_image, registry_with};
use crate::lock::digest_of;

fn list(environment: &TestEnvironment, registry: &RunningRegistry, tags: &str) -> String {
    let r = registry.host();
    let row = format!("{r}/a {r}/m/a {tags}\n");
    environment.write("images-list", &row);
    row
}

/// Returns the tags of the report with the tags at the destination.
fn tags(document: &Value) -> Vec<(&str, &str, &str)> {
    let rows = document["rows"].as_array().unwrap().iter();
    rows.map(|row| {
        let tag = row["tag"].as_str().unwrap();
        let written = row["destination_tag"].as_str().unwrap_or(tag);
        (tag, written, row["status"].as_str().unwrap())
    })
    .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn row_writes_exactly_the_tags_on_the_right() {
    let registry = registry_with(&["a:v1"]).await;
    let environment = TestEnvironment::new();
    list(&environment, &registry, "v1=1,latest");
    registry.clear_requests();
    let document = environment.mirror("sync --output json").exits(0).json();
    assert_eq!(
        tags(&document),
        [("v1", "1", "copied"), ("v1", "latest", "copied")]
    );
    assert_eq!(document["summary"]["rows"], 2);
    assert_eq!(registry.tags("m/a"), ["1", "latest"]);
    let requests = registry.requests();
    let heads = requests.iter().filter(|it| it.method == "HEAD");
    let of_source =
        heads.filter(|it| it.path.ends_with("/a/manifests/v1") && !it.path.contains("/m/"));
    assert_eq!(of_source.count(), 1, "one HEAD for the source");

    let document = environment.mirror("compare --output json").exits(0).json();
    assert_eq!(
        tags(&document),
        [("v1", "1", "same"), ("v1", "latest", "same")]
    );
    push_other_image(&registry, "a", "v1");
    let document = environment.mirror("sync --output json").exits(0).json();
    assert_eq!(
        tags(&document),
        [("v1", "1", "copied"), ("v1", "latest", "copied")]
    );
    let r = registry.host();
    let now = digest_of(&environment, &format!("{r}/a:v1"));
    assert_eq!(digest_of(&environment, &format!("{r}/m/a:latest")), now);

    // The lock has one line for the row, as it is written.
    environment.mirror("lock").exits(0);
    let lock = environment.read("images-list.lock");
    assert!(
        lock.contains(&format!("{r}/a {r}/m/a v1=1,latest {now} ")),
        "{lock}"
    );
    environment.mirror("sync --locked").exits(0);
    environment.mirror("lock --check").exits(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn pinned_row_keeps_its_digest_when_the_tag_moves() {
    let registry = registry_with(&["a:v1"]).await;
    let r = registry.host();
    let environment = TestEnvironment::new();
    let pin = digest_of(&environment, &format!("{r}/a:v1"));
    let row = list(&environment, &registry, &format!("v1@{pin}=1"));
    environment.mirror("sync --locked").exits(0);
    push_other_image(&registry, "a", "v1");
    let now = digest_of(&environment, &format!("{r}/a:v1"));
    for line in ["sync --output json", "sync --mutable * --output json"] {
        let document = environment.mirror(line).exits(0).json();
        let report = &document["rows"][0];
        assert_eq!(
            report["moved"],
            json!({ "approved": pin, "now": now }),
            "{line}"
        );
        assert_eq!(report["pin"], *pin, "{line}");
        assert_eq!(
            digest_of(&environment, &format!("{r}/m/a:1")),
            pin,
            "{line}"
        );
    }
    let output = environment.mirror("sync --locked").exits(3);
    let hint = "hint: review the new image, then write `v1@DIGEST` with its digest in the list\n";
    assert!(output.stdout.contains(hint), "{}", output.stdout);
    environment.mirror("compare").exits(0);

    environment.mirror("lock").exits(0);
    let lock = environment.read("images-list.lock");
    assert!(
        lock.contains(&format!("{} {pin} ", row.trim_end())),
        "{lock}"
    );
    environment.mirror("sync").exits(0);
    // Another digest in the lock is an error before any request.
    let other = lock.replace(&format!(" {pin} "), &format!(" {now} "));
    environment.write("images-list.lock", other);
    registry.clear_requests();
    let output = environment.mirror("sync").exits(2);
    let want = format!("pins {pin}, but it is locked to {now}");
    assert!(output.stderr.contains(&want), "{}", output.stderr);
    assert!(
        output
            .stderr
            .contains("locked to another digest than it pins"),
        "{}",
        output.stderr
    );
    assert_eq!(registry.request_count(), 0);
    let output = environment.mirror("lock --check").exits(1);
    assert!(output.stdout.contains(&want), "{}", output.stdout);
    environment.mirror("lock --update").exits(0);
    assert_eq!(environment.read("images-list.lock"), lock);
}

#[tokio::test(flavor = "multi_thread")]
async fn version_is_known_by_the_tag_on_the_left() {
    let registry = registry_with(&["a:1", "a:2", "a:3"]).await;
    let r = registry.host();
    let environment = TestEnvironment::new();
    let row = list(&environment, &registry, "1=2,latest");
    let output = environment
        .mirror(&format!("add-tag IMAGES={r}/a TAGS=1"))
        .exits(1);
    assert!(output.stdout.contains("already has"), "{}", output.stdout);
    let output = environment
        .mirror(&format!("add-tag IMAGES={r}/a TAGS=2"))
        .exits(1);
    let taken = format!("already copies {r}/a to `{r}/m/a:2`");
    assert!(output.stdout.contains(&taken), "{}", output.stdout);
    environment
        .mirror(&format!("add-tag IMAGES={r}/a TAGS=3"))
        .exits(0);
    environment.mirror("fmt").exits(0);
    environment.mirror("lint").exits(0);
    assert_eq!(
        environment.read("images-list"),
        format!("{row}{r}/a {r}/m/a 3\n")
    );
    // Two rows that write one tag.
    environment.write("images-list", format!("{row}{r}/a {r}/m/a 3=3,latest\n"));
    let output = environment.mirror("lint").exits(1);
    let want = format!("`{r}/m/a:latest` has two sources, `{r}/a:3` here and `{r}/a:1` on line 1");
    assert!(output.stdout.contains(&want), "{}", output.stdout);
}
