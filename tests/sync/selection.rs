//! Selection of rows, and overrides of their destinations.

use crate::environment::{TestEnvironment, column, push_other_image, registry_with};

#[tokio::test(flavor = "multi_thread")]
async fn changed_since_selects_rows_added_after_a_revision() {
    let (source, destination) = (
        registry_with(&["a:1", "b:1", "c:1"]).await,
        registry_with(&[]).await,
    );
    let (from, to) = (source.host(), destination.host());
    let environment = TestEnvironment::new();
    environment.write("images-list", format!("{from}/b {to}/b 1\n"));
    environment.commit_first(&["images-list"]);
    // The old row with other whitespace, on another line, behind a new row: still old.
    environment.write(
        "images-list",
        format!("{from}/a {to}/a 1\n\n{from}/b   {to}/b 1\n"),
    );
    environment.write("later", format!("{from}/c {to}/c 1\n"));
    let line = "sync --changed-since HEAD --images-list images-list,later --output json";
    let document = environment.mirror(line).exits(0).json();
    let want = [format!("{from}/a"), format!("{from}/c")];
    assert_eq!(column(&document, "source"), want);
    assert_eq!(
        destination.repositories(),
        ["a", "c"],
        "the old row is not copied"
    );
    let output = environment.mirror("sync --changed-since no-such").exits(2);
    assert!(output.stderr.contains("no-such"), "{}", output.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn destination_overrides_come_from_flag_then_argument_then_environment() {
    let (source, destination) = (registry_with(&["a:1"]).await, registry_with(&[]).await);
    let (from, to) = (source.host(), destination.host());
    let environment = TestEnvironment::new()
        .with_env("DEST_REGISTRY_OVERRIDE", &to)
        .with_env("DEST_ORG_OVERRIDE", "environment");
    // No registry listens there.
    environment.write("images-list", format!("{from}/a 127.0.0.1:1/org/a 1\n"));
    let table = [
        ("", "environment/a"),
        ("DEST_ORG_OVERRIDE=operand", "operand/a"),
        ("--dest-org flag DEST_ORG_OVERRIDE=operand", "flag/a"),
    ];
    for (options, want) in table {
        let line = format!("sync {options} --output json");
        let document = environment.mirror(&line).exits(0).json();
        assert_eq!(column(&document, "destination"), [format!("{to}/{want}")]);
        assert_eq!(destination.tags(want), ["1"]);
        let line = format!("compare {options} --output json");
        let document = environment.mirror(&line).exits(0).json();
        assert_eq!(column(&document, "destination"), [format!("{to}/{want}")]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn match_selects_rows_and_dry_run_writes_nothing() {
    let (source, destination) = (
        registry_with(&["a/x:1", "b/x:1"]).await,
        registry_with(&[]).await,
    );
    let (from, to) = (source.host(), destination.host());
    let environment = TestEnvironment::new();
    environment.write(
        "images-list",
        format!("{from}/a/x {to}/x 1\n{from}/b/x {to}/y 1\n"),
    );
    for (glob, want) in [("*/b/*", "b/x"), ("*/y:1", "b/x"), ("*:1 --match none", "")] {
        let line = format!("sync --dry-run --output json --match {glob}");
        let document = environment.mirror(&line).exits(0).json();
        assert_eq!(document["summary"]["dry_run"], true);
        let sources = column(&document, "source");
        if want.is_empty() {
            assert_eq!(sources.len(), 2);
        } else {
            assert_eq!(sources, [format!("{from}/{want}")]);
        }
    }
    assert_eq!(destination.repositories(), [""; 0]);
}

/// Nothing is written, so a second row of the same image does not find it at the destination.
#[tokio::test(flavor = "multi_thread")]
async fn dry_run_counts_no_duplicate_row_as_unchanged_at_an_empty_destination() {
    let (source, destination) = (registry_with(&["a:1"]).await, registry_with(&[]).await);
    let environment = TestEnvironment::new();
    let row = format!("{}/a {}/a 1\n", source.host(), destination.host());
    environment.write("images-list", row.repeat(2));
    let line = "sync --output json";
    let planned = environment
        .mirror(&format!("{line} --dry-run"))
        .exits(0)
        .json();
    assert_eq!(column(&planned, "status"), ["copied"; 2]);
    assert_eq!(planned["summary"]["unchanged"], 0);
    let copied = environment.mirror(line).exits(0).json();
    assert_eq!(column(&copied, "status"), ["copied", "unchanged"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn replaced_tag_is_reported_with_its_old_digest_also_before_it_happens() {
    let (source, destination) = (registry_with(&["a:1"]).await, registry_with(&[]).await);
    push_other_image(&destination, "a", "1");
    let old = destination.tagged("a", "1").unwrap().digest;
    let environment = TestEnvironment::new();
    let (from, to) = (source.host(), destination.host());
    environment.write("images-list", format!("{from}/a {to}/a 1\n"));
    for (line, word, in_sums) in [
        (
            "sync --dry-run",
            "would replace",
            "1 to copy (1 to replace)",
        ),
        ("sync", "replaced", "1 copied (1 replaced)"),
    ] {
        let line = format!("{line} --report report.json");
        let text = environment.mirror_without_vv(&line).exits(0).stdout;
        let row = format!("  {from}/a:1 -> {to}/a:1  (was {old})");
        assert!(
            text.starts_with(word) && text.contains(row.trim_start()),
            "{text}"
        );
        assert!(text.contains(in_sums), "{text}");
        let report = environment.read_json("report.json");
        assert_eq!(report["rows"][0]["status"], "copied");
        assert_eq!(report["rows"][0]["replaced"], old.to_string());
        assert!(
            report["tool"].as_str().unwrap().starts_with("mirror "),
            "{report}"
        );
        assert!(
            report["started"].as_str().unwrap().ends_with('Z'),
            "{report}"
        );
    }
    let again = environment.mirror("sync --output json").exits(0).json();
    assert!(again["rows"][0].get("replaced").is_none(), "{again}");
}

#[tokio::test(flavor = "multi_thread")]
async fn exclude_leaves_rows_out_and_braces_keep_their_comma() {
    let (source, destination) = (
        registry_with(&["a:1", "b:1", "c:1"]).await,
        registry_with(&[]).await,
    );
    let (from, to) = (source.host(), destination.host());
    let environment = TestEnvironment::new();
    let rows = ["a", "b", "c"].map(|name| format!("{from}/{name} {to}/{name} 1\n"));
    environment.write("images-list", rows.concat());
    for (options, want) in [
        ("--match */{a,c}", vec!["a", "c"]),
        ("--match */a,*/c --exclude */c", vec!["a"]),
        ("--exclude */{a,b}:1", vec!["c"]),
    ] {
        let line = format!("sync --dry-run --output json {options}");
        let document = environment.mirror(&line).exits(0).json();
        let want: Vec<_> = want.iter().map(|name| format!("{from}/{name}")).collect();
        assert_eq!(column(&document, "source"), want, "{options}");
    }
}
