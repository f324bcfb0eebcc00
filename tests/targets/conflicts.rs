//! Invalid rows and files, and rows with targets that write the same tag.

use super::{Mirrors, outcomes};
use crate::environment::push_other_image;

#[tokio::test(flavor = "multi_thread")]
async fn unknown_target_is_an_invalid_row() {
    let mirrors = Mirrors::new(&["a:1"]).await;
    mirrors.write_list(&["a @hubb,gone/a 1", "a @hub/a 1"]);
    mirrors.source.clear_requests();
    let environment = &mirrors.environment;
    let problems = [
        "images-list:1: invalid destination `@hubb,gone/a`: `hubb` is not a target or group; the nearest name is `hub`",
        "images-list:1: invalid destination `@hubb,gone/a`: `gone` is not a target or group",
    ];
    for line in [
        "sync",
        "compare",
        "lock",
        "add-tag --full-images x/y:1",
        "retrieve-tags",
    ] {
        environment.write("config.json", "{}");
        let output = environment.mirror(line).exits(2);
        for problem in problems {
            assert!(output.stderr.contains(problem), "{line}: {}", output.stderr);
        }
    }
    let output = environment.mirror("lint").exits(1);
    for problem in problems {
        assert!(output.stdout.contains(problem), "{}", output.stdout);
    }
    assert_eq!(
        mirrors.source.request_count() + mirrors.requests_to_targets(),
        0
    );
    std::fs::remove_file(environment.path("targets.json")).unwrap();
    let output = environment.mirror("sync").exits(2);
    let message = "`hub` is not a target or group; there is no targets file: define it in `targets.json` beside the list";
    assert!(output.stderr.contains(message), "{}", output.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn lint_reports_every_problem_of_the_file_and_no_other() {
    let mirrors = Mirrors::new(&["a:1"]).await;
    mirrors.write_list(&["a @hub/a 1"]);
    let environment = &mirrors.environment;
    environment.write(
        "targets.json",
        "{\"targets\": {\n  \"hub\": {\"prefix\": \"https://user:secret@r.io\", \"job\": 1},\n  \
         \"b\": {\"prefix\": \"b.io\", \"platforms\": [\"linux/\"]}\n},\n\"default\": [\"c\"]}\n",
    );
    let output = environment.mirror("lint").exits(1);
    let want = [
        "targets.json:2: target `hub`: `prefix`: `https://` is not allowed: write host and path, such as `docker.io/org`",
        "targets.json:2: target `hub`: unknown key `job`; the nearest known key is `jobs`",
        "targets.json:5: `default`: `c` is not a target or group; the nearest name is ",
        "3 problems",
    ];
    let lines: Vec<&str> = output.stdout.lines().collect();
    assert_eq!(lines.len(), want.len(), "{lines:#?}");
    for (line, want) in lines.iter().zip(want) {
        assert!(line.starts_with(want), "{line}");
    }
    let output = environment.mirror("sync").exits(2);
    assert!(
        output
            .stderr
            .contains("the targets file has 3 problems; nothing was sent"),
        "{}",
        output.stderr
    );

    mirrors.write_targets(|targets| {
        targets["targets"]["hub"]["platforms"] = ["linux/"].as_slice().into();
    });
    let output = environment.mirror("lint").exits(1);
    assert!(
        output.stdout.contains(": target `hub`: `platforms`: "),
        "{}",
        output.stdout
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn conflicts_are_those_of_the_expanded_destinations() {
    let mirrors = Mirrors::new(&["a:1", "b:1"]).await;
    push_other_image(&mirrors.source, "b", "1");
    let hub = format!("{}/org/x", mirrors.hub.host());
    mirrors.write_list(&["a @all/x 1", &format!("b {hub} 1")]);
    let environment = &mirrors.environment;
    let from = mirrors.source.host();
    let conflict = format!(
        "images-list:2: `{hub}:1` has two sources, `{from}/b` here and `{from}/a` on line 1: "
    );
    let output = environment.mirror("lint").exits(1);
    assert!(output.stdout.starts_with(&conflict), "{}", output.stdout);
    let output = environment.mirror("sync --output json").exits(1);
    assert!(output.stderr.contains(&conflict), "{}", output.stderr);
    let document = output.json();
    let want = [
        ("hub", "copied"),
        ("prime", "copied"),
        ("ecr", "copied"),
        ("-", "failed"),
    ];
    assert_eq!(outcomes(&document), want, "the first row wins");
}

#[tokio::test(flavor = "multi_thread")]
async fn arch_tags_may_not_overwrite_rows_behind_targets() {
    let mirrors = Mirrors::new(&["a:1"]).await;
    mirrors.write_list(&["a @all/x 1", "a @hub,ecr/x 1=1-amd64"]);
    let output = mirrors.environment.mirror("lint --arch-tags").exits(1);
    let found = output
        .stdout
        .matches("the tags that --arch-tags adds to")
        .count();
    assert_eq!(
        found, 1,
        "one finding for two targets in common: {}",
        output.stdout
    );
    mirrors.environment.mirror("sync --arch-tags").exits(2);
    assert_eq!(mirrors.requests_to_targets(), 0);
}
