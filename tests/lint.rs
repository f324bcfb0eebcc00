//! `mirror lint`

use serde_json::json;

use crate::environment::TestEnvironment;

#[test]
fn every_problem_is_told_with_its_place() {
    let environment = TestEnvironment::new();
    environment.write(
        "images-list",
        "# head\nb r.io/b 1\na r.io/a 1\nwrong\nb r.io/b 1\nc r.io/a 1\n",
    );
    let done = environment.mirror("lint").exits(1);
    for place in [
        "images-list:4: ",
        "images-list:5: duplicate",
        "images-list:6: `r.io/a:1` is fed by two",
    ] {
        assert!(done.stdout.contains(place), "{place}: {}", done.stdout);
    }
    assert!(done.stdout.contains("out of order"), "{}", done.stdout);
    assert_eq!(done.stderr, "");
    let document = environment.mirror("lint --output json").exits(1).json();
    let problems = document["problems"].as_array().unwrap();
    assert_eq!(
        problems.len(),
        done.stdout.lines().count() - 1,
        "{document}"
    );
    assert!(
        problems
            .iter()
            .any(|problem| problem["line"] == 4 && problem["file"] == "images-list")
    );
}

#[test]
fn a_list_in_form_has_no_problems() {
    let environment = TestEnvironment::new();
    environment.write("images-list", "a r.io/a 1.9\r\na r.io/a 1.10\r\n");
    let done = environment.mirror("lint").exits(0);
    assert_eq!(done.stdout, "2 rows, no problems\n");
    let document = environment.mirror("lint --output json").exits(0).json();
    assert_eq!(document, json!({"problems": []}));
}

#[test]
fn lists_are_named_by_flag_then_operand_then_environment() {
    let environment = TestEnvironment::new().with("IMAGES_FILE", "env");
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
fn rows_of_one_list_are_checked_against_the_others() {
    let environment = TestEnvironment::new();
    environment.write("one", "a r.io/a 1\n");
    environment.write("two", "b r.io/a 1\n");
    let done = environment.mirror("lint --images-list one,two").exits(1);
    assert!(done.stdout.starts_with("two:1: "), "{}", done.stdout);
    assert!(done.stdout.contains("one:1"), "{}", done.stdout);
}

#[test]
fn what_is_no_text_is_refused_with_its_line() {
    let environment = TestEnvironment::new();
    environment.write("images-list", b"a r.io/a 1\n\xff\xfe\n");
    let done = environment.mirror("lint").exits(2);
    assert_eq!(done.stdout, "");
    assert!(done.stderr.contains("images-list:2: "), "{}", done.stderr);
    let environment = environment.with("GITHUB_ACTIONS", "true");
    let done = environment.mirror("lint").exits(2);
    let annotation = "::error file=images-list,line=2::";
    assert!(done.stderr.contains(annotation), "{}", done.stderr);
}

#[test]
fn github_gets_annotations_and_a_summary_and_stdout_stays_the_result() {
    let environment = TestEnvironment::new().with("GITHUB_ACTIONS", "true");
    let summary = environment.path("summary");
    let environment = environment.with("GITHUB_STEP_SUMMARY", summary.to_str().unwrap());
    environment.write("images-list", "wrong\n");
    let done = environment.mirror("lint --output json").exits(1);
    done.json();
    assert!(
        done.stderr.starts_with("::error file=images-list,line=1::"),
        "{}",
        done.stderr
    );
    assert!(environment.read("summary").contains("| images-list:1 | "));
}
