//! Help, usage errors, exit codes, and the split between stdout and stderr.

use serde_json::json;
use testkit::proxy::{Action, FaultProxy, Rule};

use crate::environment::{TestEnvironment, output_of, registry_with, run_with_input, spawn_piped};

const COMMANDS: [&str; 13] = [
    "sync", "copy", "compare", "report", "lint", "fmt", "tags", "inspect", "digest", "diff",
    "config", "login", "demo",
];

#[test]
fn mirror_without_arguments_prints_help_as_a_usage_error() {
    let output = TestEnvironment::new().mirror("").exits(2);
    assert_eq!(output.stdout, "");
    assert!(output.stderr.contains("Usage: mirror"), "{}", output.stderr);
}

#[test]
fn help_on_stdout_has_examples_and_exit_codes() {
    let environment = TestEnvironment::new();
    let output = environment.mirror("--help").exits(0);
    assert!(
        output.stdout.contains("130  interrupted"),
        "{}",
        output.stdout
    );
    assert_eq!(output.stderr, "");
    for command in COMMANDS {
        let output = environment.mirror(&format!("{command} --help")).exits(0);
        let example = format!("\n  mirror {command}");
        assert!(
            output.stdout.contains(&example),
            "{command}: {}",
            output.stdout
        );
    }
}

#[test]
fn usage_errors_leave_stdout_empty() {
    let lines = [
        "frobnicate",
        "sync --bogus",
        "sync --sparse",
        "sync --platform linux//",
        "sync --jobs 0",
        "sync IMAGES=x",
        "sync -q -v",
        "sync --dest-registry nohost",
        "sync --match a[",
        "sync --shard 0/4",
        "compare --shard 5/4",
        "report split",
        "report merge",
        "lint DEST_ORG_OVERRIDE=x",
        "copy busybox",
        "copy busybox localhost:5000/UPPER",
        "copy busybox localhost:5000",
        "copy busybox quay.io",
        "tags quay.io",
        "copy docker://127.0.0.1:5000 localhost:5000/a",
        "tags r.io:443",
        "digest docker://[::1]:5000",
        "tags busybox:1",
        "inspect https://r.io/a",
        concat!("login r.io --password ", testkit::canary!("")),
    ];
    let environment = TestEnvironment::new();
    environment.write("images-list", "a b 1\n");
    for line in lines {
        let output = environment.mirror(line).exits(2);
        assert_eq!(output.stdout, "", "{line}");
        assert!(
            output.stderr.contains("error: "),
            "{line}: {}",
            output.stderr
        );
    }
}

#[test]
fn usage_errors_are_one_json_document_with_output_json() {
    let lines = [
        "sync --bogus --output json",
        "--output=json nonsense",
        "lint --output json",
        "sync --output json --images-list gone,also-gone",
        "sync --output json --images-list odd",
        "sync --output json --registries-conf gone --images-list fine",
        "login --output json r.io",
        "lint --output json --images-list fine --config gone",
        "sync --output json --images-list fine --authfile gone",
        "compare --output json --images-list fine --cert-dir gone",
    ];
    let environment = TestEnvironment::new();
    environment.write("odd", "one two\nthree\n");
    environment.write("fine", "a b 1\n");
    for line in lines {
        let document = environment.mirror(line).exits(2).json();
        assert!(
            document["error"]["message"].is_string(),
            "{line}: {document}"
        );
        assert!(document["problems"].is_array(), "{line}: {document}");
    }
    let document = environment.mirror(lines[4]).json();
    let problems = document["problems"].as_array().unwrap();
    assert_eq!(problems.len(), 2, "{document}");
    assert_eq!(
        (&problems[1]["file"], &problems[1]["line"]),
        (&json!("odd"), &json!(2))
    );
}

#[test]
fn lint_ignores_a_closed_stdout() {
    let environment = TestEnvironment::new();
    // More than a pipe buffers.
    environment.write("images-list", "wrong\n".repeat(20_000));
    let mut child = spawn_piped(environment.mirror_command().arg("lint"));
    drop(child.stdout.take());
    let output = output_of(child).exits(1);
    assert_eq!(output.stderr, "");
}

#[test]
fn json_log_has_one_object_per_line() {
    let environment = TestEnvironment::new();
    environment.write("images-list", "b r.io/b 1\na r.io/a 1\n");
    environment.write("wrong", "wrong\n");
    for line in [
        "sync --match none",
        "sync --images-list wrong",
        "lint --images-list gone",
    ] {
        let output = environment.mirror(&format!("{line} --log-format json"));
        assert!(!output.stderr.is_empty(), "{line}");
        for entry in output.stderr.lines() {
            let entry: serde_json::Value = serde_json::from_str(entry).unwrap();
            assert!(entry["message"].is_string(), "{line}: {entry}");
        }
    }
}

#[test]
fn selection_without_a_row_is_a_usage_error_unless_it_is_allowed() {
    let environment = TestEnvironment::new();
    environment.write("images-list", "a b 1\n");
    environment.write("empty", "# nothing yet\n");
    let table = [
        (
            "sync --match none",
            "--match `none` matches no row of images-list",
        ),
        (
            "compare --match none,{x,y}",
            "--match `none` or `{x,y}` matches no row",
        ),
        ("lock --match none", "--match `none` matches no row"),
        ("lock --check --match none", "--match `none` matches no row"),
        ("sync --mutable none", "--mutable `none` matches no row"),
        ("compare --mutable none", "--mutable `none` matches no row"),
        ("sync --exclude none", "--exclude `none` matches no row"),
        ("sync --exclude *", "no row is left"),
        ("sync --images-list empty", "empty has no row"),
        ("compare --images-list empty", "empty has no row"),
        ("lock --images-list empty", "empty has no row"),
    ];
    for (line, want) in table {
        let output = environment.mirror(line).exits(2);
        assert!(output.stderr.contains(want), "{line}: {}", output.stderr);
        assert!(
            output.stderr.contains("--allow-empty"),
            "{line}: {}",
            output.stderr
        );
    }
    for command in ["sync", "compare"] {
        for selection in ["--match none", "--exclude *", "--images-list empty"] {
            let line = format!("{command} {selection} --allow-empty --output json");
            let output = environment.mirror(&line).exits(0);
            assert_eq!(output.json()["rows"], json!([]), "{line}");
            assert!(
                output.stderr.contains("no rows are selected"),
                "{line}: {}",
                output.stderr
            );
        }
    }
    environment.mirror("sync --shard 2/2 --dry-run").exits(0);
}

#[test]
fn quiet_prints_nothing_after_a_success() {
    let environment = TestEnvironment::new();
    environment.write("images-list", "a r.io/a 1\n");
    environment.write("unsorted", "b r.io/b 1\na r.io/a 1\n");
    for line in [
        "lint -q",
        "fmt --check -q",
        "fmt --quiet",
        "sync -q --exclude * --allow-empty",
        "compare -q --exclude * --allow-empty",
    ] {
        let output = environment.mirror(line).exits(0);
        assert_eq!(
            (output.stdout.as_str(), output.stderr.as_str()),
            ("", ""),
            "{line}"
        );
    }
    let found = environment
        .mirror("lint -q --images-list unsorted")
        .exits(1);
    assert!(found.stdout.contains("out of order"), "{}", found.stdout);
    let document = environment.mirror("lint -q --output json").exits(0).json();
    assert_eq!(document, json!({"problems": []}));
}

#[test]
fn list_on_stdin_is_for_commands_that_only_read() {
    let environment = TestEnvironment::new();
    let read = |line: &str| {
        let mut command = environment.mirror_command();
        command.args(line.split(' '));
        run_with_input(&mut command, "b r.io/b 1\na r.io/a 1\n")
    };
    let output = read("lint --images-list -").exits(1);
    assert!(output.stdout.contains("-:"), "{}", output.stdout);
    assert!(
        output.stdout.contains("`mirror fmt` removes 1"),
        "{}",
        output.stdout
    );
    let output = read("fmt --check --images-list -").exits(1);
    assert!(output.stdout.contains("+a r.io/a 1"), "{}", output.stdout);
    for line in [
        "fmt --images-list -",
        "lock --images-list -",
        "lock --images-list /dev/stdin",
        "add-tag --images-list - --full-images a:2",
        "check-new --images-list -",
        "sync --changed-since HEAD --images-list -",
    ] {
        let output = read(line).exits(2);
        assert!(
            output.stderr.contains("standard input"),
            "{line}: {}",
            output.stderr
        );
    }
    assert_eq!(environment.file_names(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_code_depends_on_the_failures_of_all_rows() {
    let registry = registry_with(&["present:1"]).await;
    let proxy = FaultProxy::start(registry.address()).await;
    proxy.add(Rule::new("", "").does(Action::answer(401)));
    let (host, refusing) = (registry.host(), proxy.host());
    let present = format!("{host}/present {host}/copied/present 1\n");
    let missing = format!("{host}/missing {host}/copied/missing 1\n");
    let refused = format!("{refusing}/a {host}/copied/refused 1\n");
    let table = [
        (vec![&present], 0),
        (vec![&present, &missing], 1),
        (vec![&present, &missing, &refused], 1),
        (vec![&missing], 3),
        (vec![&missing, &refused], 3),
        (vec![&refused], 4),
        (vec![&present, &refused], 4),
    ];
    let environment = TestEnvironment::new();
    for (rows, code) in table {
        let list: String = rows.into_iter().map(String::as_str).collect();
        environment.write("images-list", &list);
        let output = environment
            .mirror("sync --no-referrers --report report.json")
            .exits(code);
        let report = environment.read_json("report.json");
        let failed = report["summary"]["failed"].as_u64().unwrap();
        assert_eq!(failed > 0, code != 0, "{list}{}", output.stdout);
    }
    let output = environment.mirror("sync --no-referrers");
    let login = format!("mirror login {refusing}");
    assert!(output.stdout.contains(&login), "{}", output.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_2_means_that_nothing_was_sent() {
    let registry = registry_with(&["a:1", "a:2"]).await;
    let proxy = FaultProxy::start(registry.address()).await;
    let host = proxy.host();
    for line in [
        "lock".to_owned(),
        format!("add-tag --full-images {host}/a:2"),
        "sync".to_owned(),
    ] {
        let environment = TestEnvironment::new();
        environment.write("images-list", format!("{host}/a {host}/b 1\n"));
        environment.write("images-list.lock", "# no row yet\n");
        // The list disappears while the command waits for a response.
        let list = environment.path("images-list");
        proxy.clear_rules();
        proxy.add(Rule::new("", "/v2/").when(move |_| {
            std::fs::remove_file(&list).ok();
            false
        }));
        let output = environment.mirror(&line).exits(1);
        assert!(
            output.stderr.contains("images-list"),
            "{line}: {}",
            output.stderr
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_image_of_a_copy_is_not_in_a_row() {
    let registry = registry_with(&["a:1"]).await;
    let host = registry.host();
    let environment = TestEnvironment::new();
    let output = environment
        .mirror(&format!("copy {host}/a:2 {host}/b:2"))
        .exits(3);
    let text = output.stdout + &output.stderr;
    let hint = format!("list the tags with `mirror tags {host}/a`, then name one of them");
    assert!(text.contains(&hint), "{text}");
    assert!(!text.contains("the row"), "{text}");
}

#[test]
fn unusable_files_and_variables_are_named_with_a_next_step() {
    let environment = TestEnvironment::new().with_env("NO_PROXY", "10.0.0.0/33,127.0.0.1");
    std::fs::create_dir(environment.path("directory")).unwrap();
    environment.write("directory/ca.crt", "no certificate");
    environment.write("registries.conf", "[[registry]]\nprefixx = \"a.io\"\n");
    // No process listens on port 1.
    for (options, code, parts) in [
        (
            "--authfile directory",
            2,
            [
                "--authfile directory: Is a directory",
                "mirror login HOST --authfile",
            ],
        ),
        (
            "--cert-dir directory",
            2,
            [
                "directory/ca.crt contains no valid PEM certificate",
                "*.crt are certificate authorities",
            ],
        ),
        (
            "--registries-conf registries.conf",
            2,
            [
                "registries.conf:1:1: the table has no `location`",
                "the unknown key `prefixx`",
            ],
        ),
        (
            "",
            1,
            [
                "NO_PROXY: `10.0.0.0/33` is not a network",
                "such as 10.0.0.0/8",
            ],
        ),
    ] {
        let output = environment
            .mirror(&format!("digest 127.0.0.1:1/a:1 {options}"))
            .exits(code);
        for part in parts {
            assert!(
                output.stderr.contains(part),
                "{options}: {part}: {}",
                output.stderr
            );
        }
    }
}
