//! `mirror fmt`

use crate::environment::{TestEnvironment, mode_of};

const UNTIDY: &str =
    "# head\n\n  b   r.io/b\t1 \n# about a\na r.io/a 1.10\na r.io/a 1.9\na r.io/a 1.9";
const TIDY: &str = "# head\n\na r.io/a 1.9\n# about a\na r.io/a 1.10\nb r.io/b 1\n";

#[test]
fn a_list_is_brought_into_form_once() {
    let environment = TestEnvironment::new();
    environment.write("images-list", UNTIDY);
    environment.run("chmod", &["640", "images-list"]);
    let done = environment.mirror("fmt").exits(0);
    assert_eq!(done.stdout, "images-list: rewritten\n");
    assert_eq!(environment.read("images-list"), TIDY);
    assert_eq!(mode_of(&environment.path("images-list")), 0o640);
    assert_eq!(
        environment.files(),
        ["images-list"],
        "no temporary file is left"
    );
    environment.mirror("lint").exits(0);
    let done = environment.mirror("fmt").exits(0);
    assert_eq!(done.stdout, "images-list: in form\n");
}

#[test]
fn check_writes_nothing() {
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
fn one_wrong_row_keeps_every_list_as_it_is() {
    let environment = TestEnvironment::new();
    environment.write("one", UNTIDY);
    environment.write("two", "b r.io/b 1\na r.io/a 1\nwrong\n");
    let done = environment.mirror("fmt --images-list one,two").exits(2);
    assert!(done.stderr.contains("two:3: "), "{}", done.stderr);
    assert_eq!(environment.read("one"), UNTIDY);
    assert_eq!(environment.files(), ["one", "two"]);
}

#[test]
fn one_list_that_cannot_be_written_keeps_the_others_as_they_are() {
    let environment = TestEnvironment::new();
    environment.write("one", UNTIDY);
    environment.run("mkdir", &["folder"]);
    environment.run("mkdir", &["folder/list"]);
    environment
        .mirror("fmt --images-list one,folder/list")
        .exits(2);
    assert_eq!(environment.read("one"), UNTIDY);
}
