//! `mirror lint`

use serde_json::json;

use crate::environment::TestEnvironment;

#[test]
fn lint_reports_every_problem_with_its_line() {
    let environment = TestEnvironment::new();
    environment.write(
        "images-list",
        "# head\nb r.io/b 1\na r.io/a 1\nwrong\nb r.io/b 1\nc r.io/a 1\n",
    );
    let output = environment.mirror("lint").exits(1);
    for problem in [
        "images-list:4: ",
        "images-list:5: duplicate",
        "images-list:6: `r.io/a:1` has two sources",
    ] {
        assert!(
            output.stdout.contains(problem),
            "{problem}: {}",
            output.stdout
        );
    }
    assert!(output.stdout.contains("out of order"), "{}", output.stdout);
    assert_eq!(output.stderr, "");
    let document = environment.mirror("lint --output json").exits(1).json();
    let problems = document["problems"].as_array().unwrap();
    assert_eq!(
        problems.len(),
        output.stdout.lines().count() - 1,
        "{document}"
    );
    assert!(
        problems
            .iter()
            .any(|problem| problem["line"] == 4 && problem["file"] == "images-list")
    );
}

#[test]
fn lint_exits_0_for_a_formatted_list() {
    let environment = TestEnvironment::new();
    environment.write("images-list", "a r.io/a 1.9\r\na r.io/a 1.10\r\n");
    let output = environment.mirror("lint").exits(0);
    assert_eq!(output.stdout, "2 rows, no problems\n");
    let document = environment.mirror("lint --output json").exits(0).json();
    assert_eq!(document, json!({"problems": []}));
}

#[test]
fn list_files_come_from_flag_then_argument_then_environment() {
    let environment = TestEnvironment::new().with_env("IMAGES_FILE", "env");
    for name in ["images-list", "env", "operand", "flag", "second"] {
        environment.write(name, "wrong\n");
    }
    let table = [
        ("lint", vec!["env"]),
        ("lint IMAGES_FILE=operand", vec!["operand"]),
        ("lint IMAGES_FILE=", vec!["env"]),
        ("lint --images-list flag IMAGES_FILE=operand", vec!["flag"]),
        ("--images-list flag,second lint", vec!["flag", "second"]),
        (
            "lint --images-list flag --images-list second",
            vec!["flag", "second"],
        ),
    ];
    for (line, want) in table {
        let document = environment
            .mirror(&format!("{line} --output json"))
            .exits(1)
            .json();
        let problems = document["problems"].as_array().unwrap();
        let files: Vec<_> = problems
            .iter()
            .map(|problem| problem["file"].as_str().unwrap())
            .collect();
        assert_eq!(files, want, "{line}");
    }
}

#[test]
fn lint_finds_conflicts_between_lists() {
    let environment = TestEnvironment::new();
    environment.write("one", "a r.io/a 1\n");
    environment.write("two", "b r.io/a 1\n");
    let output = environment.mirror("lint --images-list one,two").exits(1);
    assert!(output.stdout.starts_with("two:1: "), "{}", output.stdout);
    assert!(output.stdout.contains("one:1"), "{}", output.stdout);
}

#[test]
fn lint_rejects_invalid_utf8_with_its_line() {
    let environment = TestEnvironment::new();
    environment.write("images-list", b"a r.io/a 1\n\xff\xfe\n");
    let output = environment.mirror("lint").exits(2);
    assert_eq!(output.stdout, "");
    assert!(
        output.stderr.contains("images-list:2: "),
        "{}",
        output.stderr
    );
    let environment = environment.with_env("GITHUB_ACTIONS", "true");
    let output = environment.mirror("lint").exits(2);
    let annotation = "::error file=images-list,line=2::";
    assert!(output.stderr.contains(annotation), "{}", output.stderr);
}

#[test]
fn lint_writes_annotations_to_stderr_and_a_step_summary_in_github_actions() {
    let environment = TestEnvironment::new().with_github_actions();
    environment.write("images-list", "wrong\n");
    let output = environment.mirror("lint --output json").exits(1);
    output.json();
    assert!(
        output
            .stderr
            .starts_with("::error file=images-list,line=1::"),
        "{}",
        output.stderr
    );
    assert!(
        environment
            .read("summary.md")
            .contains("| images-list:1 | ")
    );
}

#[test]
fn merge_marks_in_list_and_lock_are_named() {
    let environment = TestEnvironment::new();
    environment.write(
        "images-list",
        "<<<<<<< HEAD\na r.io/a 1\n=======\n>>>>>>> topic\n",
    );
    environment.write("images-list.lock", "# lock\n<<<<<<< HEAD\n");
    let output = environment.mirror("lint").exits(1);
    for line in [
        "images-list:1: ",
        "images-list:3: ",
        "images-list:4: ",
        "images-list.lock:2: ",
    ] {
        let found = output.stdout.lines().find(|found| found.starts_with(line));
        let found = found.unwrap_or_default();
        assert!(
            found.contains("unresolved merge conflict"),
            "{line}: {}",
            output.stdout
        );
    }
}

#[test]
fn lint_and_fmt_check_say_what_fmt_would_do() {
    let environment = TestEnvironment::new();
    environment.write(
        "images-list",
        "b r.io/b 1\na r.io/a 1\nb r.io/b 1\nc r.io/a 1\n",
    );
    let output = environment.mirror("lint").exits(1);
    let last = output.stdout.lines().last().unwrap_or_default();
    assert_eq!(
        last, "3 problems; `mirror fmt` removes 2 of them",
        "{}",
        output.stdout
    );
    let document = environment.mirror("lint --output json").json();
    assert_eq!(document["fixable"], 2);
    let output = environment.mirror("fmt --check").exits(1);
    let patch = "--- a/images-list\n+++ b/images-list\n";
    assert!(output.stdout.contains(patch), "{}", output.stdout);
    let document = environment
        .mirror("fmt --check --output json")
        .exits(1)
        .json();
    let diff = document["files"][0]["diff"].as_str().unwrap();
    assert!(diff.starts_with(patch), "{diff}");
    environment.mirror("fmt").exits(0);
    let output = environment.mirror("lint").exits(1);
    assert!(output.stdout.ends_with("1 problem\n"), "{}", output.stdout);
}
