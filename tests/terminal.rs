//! What a person at a terminal sees.

use crate::environment::{Finished, TestEnvironment};

/// Runs the binary with a terminal for stdout and stderr.
fn on_a_terminal(environment: &TestEnvironment, line: &str) -> Finished {
    let mirror = environment.command();
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
    Finished::of(script.output().unwrap())
}

#[test]
fn bars_come_and_go_and_the_result_stays() {
    let environment = TestEnvironment::new();
    let done = on_a_terminal(&environment, "demo -v").exits(0);
    assert!(
        done.stdout.contains("12 rows: 12 copied"),
        "{}",
        done.stdout
    );
    assert!(
        done.stdout.contains("of 12 rows"),
        "no bar was drawn: {}",
        done.stdout
    );
}

#[test]
fn without_progress_nothing_moves_the_cursor() {
    let environment = TestEnvironment::new();
    for line in ["demo --no-progress", "demo -q"] {
        let done = on_a_terminal(&environment, line).exits(0);
        assert!(!done.stdout.contains('\u{1b}'), "{line}: {:?}", done.stdout);
    }
}
