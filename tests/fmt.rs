//! `mirror fmt`

use crate::environment::{TestEnvironment, file_mode};

const UNTIDY: &str =
    "# head\n\n  b   r.io/b\t1 \n# about a\na r.io/a 1.10\na r.io/a 1.9\na r.io/a 1.9";
const TIDY: &str = "# head\n\na r.io/a 1.9\n# about a\na r.io/a 1.10\nb r.io/b 1\n";

#[test]
fn fmt_formats_the_list_and_keeps_its_mode() {
    let environment = TestEnvironment::new();
    environment.write("images-list", UNTIDY);
    environment.run("chmod", &["640", "images-list"]);
    let output = environment.mirror("fmt").exits(0);
    assert_eq!(output.stdout, "images-list: formatted\n");
    assert_eq!(environment.read("images-list"), TIDY);
    assert_eq!(file_mode(&environment.path("images-list")), 0o640);
    assert_eq!(
        environment.file_names(),
        ["images-list"],
        "no temporary file remains"
    );
    environment.mirror("lint").exits(0);
    let output = environment.mirror("fmt").exits(0);
    assert_eq!(output.stdout, "images-list: already formatted\n");
}

#[test]
fn fmt_check_reports_changes_and_writes_nothing() {
    let environment = TestEnvironment::new();
    environment.write("images-list", UNTIDY);
    let document = environment
        .mirror("fmt --check --output json")
        .exits(1)
        .json();
    assert_eq!(document["files"][0]["changed"], true);
    assert_eq!(environment.read("images-list"), UNTIDY);
    environment.write("images-list", TIDY);
    environment.mirror("fmt --check").exits(0);
}

#[test]
fn fmt_writes_no_list_when_one_has_an_invalid_row() {
    let environment = TestEnvironment::new();
    environment.write("one", UNTIDY);
    environment.write("two", "b r.io/b 1\na r.io/a 1\nwrong\n");
    let output = environment.mirror("fmt --images-list one,two").exits(2);
    assert!(output.stderr.contains("two:3: "), "{}", output.stderr);
    assert_eq!(environment.read("one"), UNTIDY);
    assert_eq!(environment.file_names(), ["one", "two"]);
}

#[test]
fn fmt_writes_no_list_when_one_cannot_be_written() {
    let environment = TestEnvironment::new();
    environment.write("one", UNTIDY);
    environment.run("mkdir", &["lists"]);
    environment.run("mkdir", &["lists/list"]);
    environment
        .mirror("fmt --images-list one,lists/list")
        .exits(2);
    assert_eq!(environment.read("one"), UNTIDY);
}
