//! The revision that a branch is compared with.
//!
//! Takes more than 10 s: the new row names a port without a registry, and each run retries it for 9 s.

use testkit::GitRepository;

use super::branch_with;
use crate::environment::TestEnvironment;

const SHALLOW: &str = " hint: fetch the history of the shallow clone with `git fetch --unshallow origin '+refs/heads/*:refs/remotes/origin/*'`, or check out with `fetch-depth: 0`\n";

/// A repository whose branch `topic` adds a row after `main` has moved on.
fn origin() -> GitRepository {
    let origin = GitRepository::new();
    origin.write("images-list", "a r.io/a 1\n");
    origin.commit("first");
    origin.git(&["branch", "topic"]);
    origin.write("images-list", "a r.io/a 1\na r.io/a 2\n");
    origin.commit("second");
    origin.git(&["checkout", "--quiet", "topic"]);
    origin.write("images-list", "127.0.0.1:1/b r.io/a 3\na r.io/a 1\n");
    origin.commit("topic");
    origin.git(&["checkout", "--quiet", "main"]);
    origin
}

fn clone(options: &[&str]) -> (TestEnvironment, GitRepository) {
    let origin = origin();
    let environment = TestEnvironment::new();
    let url = format!("file://{}", origin.path().display());
    let clone = ["clone", "-q", "--branch", "topic", &url, "."];
    environment.run("git", &[&clone[..2], options, &clone[2..]].concat());
    (environment, origin)
}

#[test]
fn check_new_compares_with_the_merge_base() {
    let (environment, _origin) = clone(&[]);
    let document = environment
        .mirror("check-new --base origin/main --output json")
        .exits(1)
        .json();
    assert_eq!(
        document["removed"].as_array().unwrap().len(),
        0,
        "a row that only main has was not removed"
    );
    assert_eq!(document["added"][0]["source"], "127.0.0.1:1/b");
    let base = environment.stdout_of("git", &["merge-base", "origin/main", "HEAD"]);
    assert_eq!(document["base"], base.trim());
    let head = "refs/remotes/origin/HEAD";
    let git = |args: &[&str]| environment.git(args);
    // The default base: origin/HEAD, else origin/main.
    git(&["symbolic-ref", head, "refs/remotes/origin/main"]);
    environment.mirror("check-new").exits(1);
    git(&["symbolic-ref", head, "refs/remotes/origin/topic"]);
    let output = environment.mirror("check-new").exits(0);
    assert!(
        output.stdout.starts_with("0 new rows since "),
        "{}",
        output.stdout
    );
    git(&["symbolic-ref", "--delete", head]);
    environment.mirror("check-new").exits(1);
}

#[test]
fn shallow_clone_error_names_the_fetch_command() {
    let (environment, _origin) = clone(&["--depth", "1", "--single-branch"]);
    environment.run(
        "git",
        &["update-ref", "--no-deref", "-d", "refs/remotes/origin/HEAD"],
    );
    let output = environment.mirror("check-new").exits(2);
    let want = format!(
        "error: cannot find the target branch: there is no origin/HEAD, no origin/main, no origin/master\n{SHALLOW}"
    );
    assert_eq!(output.stderr, want);
    let output = environment.mirror("check-new --base origin/main").exits(2);
    assert_eq!(
        output.stderr,
        format!("error: the git revision \"origin/main\" does not exist\n{SHALLOW}")
    );
    // The tip alone has no merge base.
    environment.run(
        "git",
        &[
            "fetch",
            "-q",
            "--depth",
            "1",
            "origin",
            "main:refs/remotes/origin/main",
        ],
    );
    let output = environment.mirror("check-new").exits(2);
    assert_eq!(
        output.stderr,
        format!("error: HEAD and the base have no common commit in this clone\n{SHALLOW}")
    );
    // The command in the hint works.
    environment.run(
        "git",
        &[
            "fetch",
            "-q",
            "--unshallow",
            "origin",
            "+refs/heads/*:refs/remotes/origin/*",
        ],
    );
    let document = environment
        .mirror("check-new --output json")
        .exits(1)
        .json();
    assert_eq!(document["added"].as_array().unwrap().len(), 1);
}

#[test]
fn check_new_rejects_missing_bases_lists_and_repositories() {
    let environment = branch_with("a r.io/a 1\n");
    let table = [
        (
            "--base nothing",
            "error: the git revision \"nothing\" does not exist\n hint: fetch it with `git fetch`, or name another revision\n",
        ),
        ("--base=--help", "error: \"--help\" is not a git revision\n"),
        (
            "--images-list gone",
            "error: cannot read the list gone: No such file or directory\n hint: name the list with --images-list FILE or IMAGES_FILE; it has a row `SOURCE DESTINATION TAG` for each image\n",
        ),
    ];
    for (options, want) in table {
        let output = environment.mirror(&format!("check-new {options}")).exits(2);
        assert_eq!(output.stderr, want, "{options}");
    }
    environment.run("git", &["update-ref", "-d", "refs/remotes/origin/main"]);
    let output = environment.mirror("check-new").exits(2);
    let want = "error: cannot find the target branch: there is no origin/HEAD, no origin/main, no origin/master\n hint: name the target branch with --base, or fetch it with `git fetch origin`\n";
    assert_eq!(output.stderr, want);
    let outside = TestEnvironment::new();
    outside.write("images-list", "a r.io/a 1\n");
    let output = outside.mirror("check-new").exits(2);
    assert!(
        output
            .stderr
            .starts_with("error: check-new needs a git repository: not a git repository"),
        "{}",
        output.stderr
    );
}

#[test]
fn row_moved_to_another_list_is_not_removed() {
    let environment = branch_with("a r.io/a 1\nb r.io/b 1\n");
    environment.write("images-list", "a r.io/a 1\n");
    environment.write("daily", "b r.io/b 1\n");
    environment.mirror("check-new").exits(1);
    let output = environment
        .mirror("check-new --images-list images-list,daily")
        .exits(0);
    assert!(
        output.stdout.starts_with("0 new rows since "),
        "{}",
        output.stdout
    );
}
