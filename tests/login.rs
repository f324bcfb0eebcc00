//! `mirror login`

use std::io::Write;
use std::process::Stdio;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use testkit::CANARY;

use crate::environment::{Finished, TestEnvironment, mode_of};

fn login(environment: &TestEnvironment, line: &str, password: &str) -> Finished {
    let mut command = environment.command();
    let command = command.args(line.split_whitespace());
    let command = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A run that refuses its arguments may be gone already.
    stdin.write_all(password.as_bytes()).ok();
    drop(stdin);
    Finished::of(child.wait_with_output().unwrap())
}

#[test]
fn a_password_from_stdin_is_stored_for_its_owner_only() {
    let environment = TestEnvironment::new().with_no_auth_files();
    let line = "login r.io -u me --password-stdin";
    let done = login(&environment, line, &format!("{CANARY}\n")).exits(0);
    let file = environment.home().join(".docker/config.json");
    assert!(
        done.stdout.contains(file.to_str().unwrap()),
        "{}",
        done.stdout
    );
    let text = std::fs::read_to_string(&file).unwrap();
    let pair = BASE64_STANDARD.encode(format!("me:{CANARY}"));
    assert!(text.contains("\"r.io\"") && text.contains(&pair), "{text}");
    assert_eq!(mode_of(&file), 0o600);
}

#[test]
fn a_named_file_comes_first() {
    let environment = TestEnvironment::new().with_no_auth_files();
    login(
        &environment,
        "login r.io/team -u me --password-stdin --authfile auth.json",
        "x",
    )
    .exits(0);
    assert!(environment.read("auth.json").contains("\"r.io/team\""));
    assert!(!environment.home().join(".docker").exists());
}

#[test]
fn nobody_is_asked_where_there_is_no_terminal() {
    let environment = TestEnvironment::new().with_no_auth_files();
    let table = [
        ("login r.io", "--password-stdin"),
        ("login r.io -u me", "--password-stdin"),
        ("login r.io --password-stdin", "--username"),
        ("login r.io/ -u me --password-stdin", "empty"),
    ];
    for (line, want) in table {
        let done = login(&environment, line, "\n").exits(2);
        assert!(done.stderr.contains(want), "{line}: {}", done.stderr);
    }
    assert!(!environment.home().join(".docker").exists());
}
