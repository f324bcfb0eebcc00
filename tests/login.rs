//! `mirror login`

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use testkit::CANARY;

use crate::environment::{CommandOutput, TestEnvironment, file_mode, run_with_input};

fn login(environment: &TestEnvironment, line: &str, password: &str) -> CommandOutput {
    let mut command = environment.mirror_command();
    run_with_input(command.args(line.split_whitespace()), password)
}

#[test]
fn login_stores_a_password_from_stdin_readable_by_the_owner_only() {
    let environment = TestEnvironment::new().without_auth_files();
    let line = "login r.io -u me --password-stdin";
    let output = login(&environment, line, &format!("{CANARY}\n")).exits(0);
    let file = environment.home().join(".docker/config.json");
    assert!(
        output.stdout.contains(file.to_str().unwrap()),
        "{}",
        output.stdout
    );
    let text = std::fs::read_to_string(&file).unwrap();
    let pair = BASE64_STANDARD.encode(format!("me:{CANARY}"));
    assert!(text.contains("\"r.io\"") && text.contains(&pair), "{text}");
    assert_eq!(file_mode(&file), 0o600);
}

#[test]
fn login_writes_to_the_file_of_authfile() {
    let environment = TestEnvironment::new().without_auth_files();
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
fn login_never_prompts_without_a_terminal() {
    let environment = TestEnvironment::new().without_auth_files();
    let table = [
        ("login r.io", "--password-stdin"),
        ("login r.io -u me", "--password-stdin"),
        ("login r.io --password-stdin", "--username"),
        ("login r.io/ -u me --password-stdin", "empty"),
    ];
    for (line, want) in table {
        let output = login(&environment, line, "\n").exits(2);
        assert!(output.stderr.contains(want), "{line}: {}", output.stderr);
    }
    assert!(!environment.home().join(".docker").exists());
}
