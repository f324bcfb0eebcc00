//! `--target`, `--targets`, and the options that select rows.

use super::{Mirrors, outcomes};

#[tokio::test(flavor = "multi_thread")]
async fn target_narrows_sync_compare_and_expand() {
    let mirrors = Mirrors::new(&["a:1", "b:1", "c:1"]).await;
    let plain = format!("c {}/plain/c 1", mirrors.prime.host());
    mirrors.write_list(&["a @all/a 1", "b @hub/b 1", &plain]);
    let environment = &mirrors.environment;
    let document = environment
        .mirror("sync --target prime --output json")
        .exits(0)
        .json();
    assert_eq!(outcomes(&document), [("prime", "copied")]);
    assert_eq!(mirrors.content(), [vec![], vec!["team/m/a:1"], vec![]]);

    let document = environment
        .mirror("compare --target prime,ecr --output json")
        .exits(1)
        .json();
    assert_eq!(outcomes(&document), [("prime", "same"), ("ecr", "missing")]);
    let rows = environment.mirror("expand --target ecr").exits(0).stdout;
    let row = format!("{}/a {}/a 1\n", mirrors.source.host(), mirrors.ecr.host());
    assert_eq!(rows, row);
    let rows = environment.mirror("expand").exits(0).stdout;
    assert_eq!(rows, environment.read("images-list"), "rows as written");

    let document = environment
        .mirror("sync --target all --output json")
        .exits(0)
        .json();
    let want = [
        ("hub", "copied"),
        ("prime", "unchanged"),
        ("ecr", "copied"),
        ("hub", "copied"),
    ];
    assert_eq!(
        outcomes(&document),
        want,
        "a row without a target is left out"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_and_unused_targets_are_errors_before_any_request() {
    let mirrors = Mirrors::new(&["a:1"]).await;
    mirrors.write_list(&["a @hub/a 1"]);
    mirrors.source.clear_requests();
    let environment = &mirrors.environment;
    for (line, message, hint) in [
        (
            "sync --target hubb",
            "--target: `hubb` is not a target or group",
            "name one of hub, prime, ecr, all",
        ),
        (
            "compare --target a/b",
            "--target: `a/b` is not the name of a target",
            "",
        ),
        (
            "sync --target prime",
            "--target prime: no selected row of images-list has the target; nothing was sent",
            "with --allow-empty this is no error",
        ),
        (
            "sync --target hub --match none/*",
            "--match `none/*` matches no row of images-list",
            "",
        ),
        (
            "sync --targets gone.json",
            "cannot read the targets file gone.json",
            "docs/targets.md",
        ),
    ] {
        let output = environment.mirror(line).exits(2);
        assert!(output.stderr.contains(message), "{line}: {}", output.stderr);
        assert!(output.stderr.contains(hint), "{line}: {}", output.stderr);
    }
    environment
        .mirror("sync --target prime --allow-empty")
        .exits(0);
    assert_eq!(
        mirrors.source.request_count() + mirrors.requests_to_targets(),
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn targets_file_is_beside_the_first_list_or_named() {
    let mirrors = Mirrors::new(&["a:1"]).await;
    let environment = &mirrors.environment;
    let list = mirrors.write_list(&["a @hub/a 1"]);
    std::fs::create_dir(environment.path("lists")).unwrap();
    environment.write("lists/weekly", &list);
    environment
        .mirror("lint --images-list lists/weekly")
        .exits(1);
    environment
        .mirror("lint --images-list lists/weekly --targets targets.json")
        .exits(0);
    environment.write("lists/targets.json", environment.read("targets.json"));
    environment
        .mirror("sync --images-list lists/weekly")
        .exits(0);
    let settings = environment
        .mirror("config --images-list lists/weekly")
        .exits(0)
        .stdout;
    assert!(settings.contains("lists/targets.json"), "{settings}");
    assert_eq!(mirrors.content()[0], ["org/a:1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn patterns_match_the_repositories_behind_targets() {
    let mirrors = Mirrors::new(&["a:1", "b:1"]).await;
    mirrors.write_list(&["a @all/a 1", "b @ecr/b 1"]);
    let hub = format!("{}/org/*", mirrors.hub.host());
    let line = format!("sync --dry-run --output json --match {hub}");
    let document = mirrors.environment.mirror(&line).exits(0).json();
    let want = ["hub", "prime", "ecr"].map(|target| (target, "copied"));
    assert_eq!(outcomes(&document), want, "a pattern selects rows");
    let document = mirrors
        .environment
        .mirror("sync --dry-run --output json --exclude @all/*");
    assert_eq!(outcomes(&document.exits(0).json()), [("ecr", "copied")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn destination_override_takes_one_target() {
    let mirrors = Mirrors::new(&["a:1", "b:1"]).await;
    mirrors.write_list(&["a @all/a 1", "b @hub/b 1"]);
    let to = mirrors.ecr.host();
    let output = mirrors
        .environment
        .mirror(&format!("sync --dest-registry {to}"))
        .exits(2);
    let message = "`--dest-registry` needs rows of one target; the rows have hub, prime, ecr";
    assert!(output.stderr.contains(message), "{}", output.stderr);
    assert_eq!(mirrors.requests_to_targets(), 0);
    let line = format!("sync --dest-registry {to} --dest-org test --target hub");
    mirrors.environment.mirror(&line).exits(0);
    assert_eq!(
        mirrors.content(),
        [vec![], vec![], vec!["test/a:1", "test/b:1"]]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_since_selects_the_destinations_that_a_changed_file_adds() {
    let mirrors = Mirrors::new(&["a:1", "b:1"]).await;
    mirrors.write_list(&["a @all/a 1", "b @hub/b 1"]);
    mirrors.write_targets(|targets| targets["groups"]["all"] = ["hub", "prime"].as_slice().into());
    let environment = &mirrors.environment;
    environment.commit_first(&["images-list", "targets.json"]);
    let document = environment
        .mirror("sync --changed-since main --output json")
        .exits(0)
        .json();
    assert_eq!(outcomes(&document), []);
    mirrors.write_targets(|_| {});
    let document = environment
        .mirror("sync --changed-since main --output json")
        .exits(0)
        .json();
    assert_eq!(outcomes(&document), [("ecr", "copied")]);
    assert_eq!(mirrors.content(), [vec![], vec![], vec!["a:1"]]);
}
