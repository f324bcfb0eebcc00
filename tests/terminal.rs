//! Progress bars and results on a terminal.

use crate::environment::{CommandOutput, TestEnvironment};

/// Runs the binary with stdout and stderr on a pseudoterminal.
fn mirror_on_terminal(environment: &TestEnvironment, line: &str) -> CommandOutput {
    let mirror = environment.mirror_command();
    let line = format!("{} {line}", mirror.get_program().display());
    let mut script = std::process::Command::new("script");
    script.args(["--quiet", "--return", "--command", &line, "/dev/null"]);
    script
        .env_clear()
        .env("TERM", "xterm")
        .env("PATH", "/usr/bin:/bin");
    script
        .env("HOME", environment.home())
        .current_dir(environment.path(""));
    CommandOutput::new(script.output().unwrap())
}

#[test]
fn terminal_shows_progress_and_then_the_result() {
    let environment = TestEnvironment::new();
    let output = mirror_on_terminal(&environment, "demo -v").exits(0);
    assert!(
        output.stdout.contains("12 rows: 12 copied"),
        "{}",
        output.stdout
    );
    assert!(
        output.stdout.contains("of 12 rows"),
        "no progress bar: {}",
        output.stdout
    );
}

#[test]
fn terminal_gets_no_escape_sequences_without_progress() {
    let environment = TestEnvironment::new();
    for line in ["demo --no-progress", "demo -q"] {
        let output = mirror_on_terminal(&environment, line).exits(0);
        assert!(
            !output.stdout.contains('\u{1b}'),
            "{line}: {:?}",
            output.stdout
        );
    }
}
