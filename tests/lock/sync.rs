//! `sync` and `compare` with a lock.

use embedded_registry::RunningRegistry;
use serde_json::json;
use testkit::processes::{Distribution, RegistryProcess};

use super::digest_of;
use crate::environment::{TestEnvironment, push_other_image, push_tags, registry_with};

/// A locked list of `a` and `b` with destinations in another registry.
struct LockedMirror {
    source: RunningRegistry,
    destination: RegistryProcess,
    environment: TestEnvironment,
    /// The approved digest of `a`.
    approved: String,
}

impl LockedMirror {
    async fn new() -> Self {
        let source = registry_with(&["a:1", "b:1"]).await;
        let destination = Distribution::new().start().await;
        let environment = TestEnvironment::new();
        let (r, d) = (source.host(), destination.host());
        environment.write("images-list", format!("{r}/a {d}/m/a 1\n{r}/b {d}/m/b 1\n"));
        environment.mirror("lock").exits(0);
        let approved = digest_of(&environment, &format!("{r}/a:1"));
        Self {
            source,
            destination,
            environment,
            approved,
        }
    }

    fn source_digest(&self, image: &str) -> String {
        digest_of(
            &self.environment,
            &format!("{}/{image}", self.source.host()),
        )
    }

    fn destination_digest(&self, image: &str) -> String {
        let host = self.destination.host();
        digest_of(&self.environment, &format!("{host}/m/{image}"))
    }

    fn lock(&self) -> String {
        self.environment.read("images-list.lock")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sync_reports_a_moved_tag_and_copies_the_approved_digest() {
    let mirror = LockedMirror::new().await;
    let (r, d) = (mirror.source.host(), mirror.destination.host());
    let environment = &mirror.environment;
    let before = mirror.lock();
    // An empty destination gets the approved digest too.
    push_other_image(&mirror.source, "a", "1");
    let now = mirror.source_digest("a:1");
    for run in ["first run", "second run"] {
        let output = environment.mirror("sync").exits(0);
        let approved = &mirror.approved;
        let moved = format!(
            "moved      {r}/a:1 -> {d}/m/a:1\n           approved digest: {approved} (kept)\n           \
             current digest:  {now}\n           hint: review the new image, then approve it with \
             `mirror lock --update --match {r}/a:1`\n"
        );
        assert!(output.stdout.contains(&moved), "{run}: {}", output.stdout);
        assert!(output.stdout.contains(", 1 moved;"), "{}", output.stdout);
        assert_eq!(mirror.destination_digest("a:1"), mirror.approved, "{run}");
        assert_eq!(mirror.lock(), before, "{run}");
    }
    let document = environment.mirror("sync --output json").exits(0).json();
    assert_eq!(document["rows"][0]["status"], "unchanged");
    let moved = json!({ "approved": mirror.approved, "now": now });
    assert_eq!(document["rows"][0]["moved"], moved);
    assert!(document["rows"][1].get("moved").is_none());
    let document = environment.mirror("compare --output json").exits(0).json();
    assert_eq!(document["rows"][0]["status"], "same");
    assert_eq!(document["rows"][0]["moved"], moved);
    // The command in the hint works.
    let line = format!("lock --update --match {r}/a:1");
    environment.mirror(&line).exits(0);
    environment.mirror("compare").exits(1);
    environment.mirror("sync --locked").exits(0);
    assert_eq!(mirror.destination_digest("a:1"), now);
    environment.mirror("compare").exits(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn locked_fails_only_the_row_whose_tag_moved() {
    let mirror = LockedMirror::new().await;
    push_other_image(&mirror.source, "a", "1");
    let now = mirror.source_digest("a:1");
    let environment = &mirror.environment;
    let document = environment
        .mirror("sync --locked --output json")
        .exits(1)
        .json();
    let row = &document["rows"][0];
    assert_eq!(row["status"], "failed");
    let message = format!(
        "{}/a:1: the source tag has moved: {} was approved, {now} is there now",
        mirror.source.host(),
        mirror.approved
    );
    assert_eq!(row["error"]["message"], message);
    let hint = row["error"]["hint"].as_str().unwrap();
    assert!(hint.contains("mirror lock --update --match"), "{hint}");
    assert_eq!(document["rows"][1]["status"], "copied");
    let inspect = format!("inspect {}/m/a:1", mirror.destination.host());
    environment.mirror(&inspect).exits(1);
}

#[tokio::test(flavor = "multi_thread")]
async fn locked_rejects_rows_without_an_approved_digest() {
    let mirror = LockedMirror::new().await;
    let (r, d) = (mirror.source.host(), mirror.destination.host());
    let environment = &mirror.environment;
    let list = environment.read("images-list");
    environment.write("images-list", format!("{list}{r}/c {d}/m/c 1\n"));
    mirror.source.clear_requests();
    let output = environment.mirror("sync --locked").exits(2);
    let want = format!(
        "images-list:3: `{r}/c {d}/m/c 1` is not locked\nerror: 1 row is not locked; nothing was sent\n \
         hint: approve the current digests with `mirror lock` and commit the lock, or name tags that may \
         change with --mutable\n"
    );
    assert_eq!(output.stderr, want);
    assert_eq!(mirror.source.request_count(), 0);
    environment.mirror("sync --locked --match */b").exits(0);
    // Without a lock no row is locked.
    std::fs::remove_file(environment.path("images-list.lock")).unwrap();
    let output = environment.mirror("sync --locked").exits(2);
    assert!(
        output.stderr.contains("error: 3 rows are not locked"),
        "{}",
        output.stderr
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn mutable_tags_are_copied_and_written_to_the_lock() {
    let mirror = LockedMirror::new().await;
    let environment = &mirror.environment;
    environment.mirror("sync").exits(0);
    push_other_image(&mirror.source, "a", "1");
    push_other_image(&mirror.source, "b", "1");
    let (now, before) = (mirror.source_digest("a:1"), mirror.lock());
    environment
        .mirror("sync --mutable */a:1 --dry-run")
        .exits(0);
    assert_eq!(mirror.lock(), before, "a dry run writes nothing");
    let document = environment
        .mirror("sync --locked --mutable */a:1 --output json")
        .exits(1)
        .json();
    assert_eq!(document["rows"][0]["status"], "copied");
    assert_eq!(document["rows"][1]["status"], "failed");
    assert_eq!(mirror.destination_digest("a:1"), now);
    assert_eq!(mirror.destination_digest("b:1"), mirror.approved);
    assert_eq!(mirror.lock(), before.replacen(&mirror.approved, &now, 1));
    environment.mirror("compare --mutable */a:1").exits(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn sync_locks_new_rows_that_it_copied() {
    let mirror = LockedMirror::new().await;
    let (r, d) = (mirror.source.host(), mirror.destination.host());
    let environment = &mirror.environment;
    let (list, before) = (environment.read("images-list"), mirror.lock());
    // One row that can be copied and one that cannot.
    push_tags(&mirror.source, &["b:2"]);
    environment.write(
        "images-list",
        format!("{list}{r}/b {d}/m/b 2\n{r}/gone {d}/m/gone 1\n"),
    );
    environment.mirror("sync").exits(1);
    let new = mirror.lock();
    let lines: Vec<_> = new.lines().skip(before.lines().count()).collect();
    assert!(new.starts_with(&before), "{new}");
    assert_eq!(lines.len(), 1, "a failed row is not approved: {new}");
    assert!(
        lines[0].starts_with(&format!("{r}/b {d}/m/b 2 {}", mirror.source_digest("b:2"))),
        "{new}"
    );
    // `sync` creates no lock.
    std::fs::remove_file(environment.path("images-list.lock")).unwrap();
    environment.mirror("sync --match */b").exits(0);
    assert!(!environment.path("images-list.lock").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn sync_names_an_approved_digest_that_is_missing_at_the_source() {
    let mirror = LockedMirror::new().await;
    let environment = &mirror.environment;
    let missing = "sha256:0000000000000000000000000000000000000000000000000000000000000000";
    let lock = mirror.lock().replacen(&mirror.approved, missing, 1);
    environment.write("images-list.lock", lock);
    let document = environment.mirror("sync --output json").exits(1).json();
    let error = &document["rows"][0]["error"];
    let r = mirror.source.host();
    let now = mirror.source_digest("a:1");
    let message = format!("the source {r}/a:1@{missing} does not exist: the tag has {now} now");
    assert_eq!(error["message"], message, "{error}");
    let hint = error["hint"].as_str().unwrap();
    assert!(hint.contains("mirror lock --update --match"), "{hint}");
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_line_of_a_lock_has_a_hint_and_hides_no_locked_row() {
    let mirror = LockedMirror::new().await;
    let environment = &mirror.environment;
    let lock = mirror.lock().replacen(&mirror.approved, "sha256:zz", 1);
    environment.write("images-list.lock", lock);
    let repair = "or remove them and run `mirror lock`";
    for line in ["lock --check", "lint"] {
        let output = environment.mirror(line).exits(1);
        assert!(output.stdout.contains(repair), "{line}: {}", output.stdout);
    }
    let checked = environment.mirror("lock --check").exits(1).stdout;
    let end = "0 of 0 rows locked; without the rows of 1 list whose lock is invalid\n";
    assert!(checked.ends_with(end), "{checked}");
}
