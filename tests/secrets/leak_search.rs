//! The search for a secret in everything that a run leaves behind.

use std::fs;
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::environment::{CommandOutput, TestEnvironment, output_with_input};

/// A secret in each form in which it could leak.
pub(crate) struct Secret(Vec<String>);

impl Secret {
    /// A secret that is sent verbatim.
    pub(crate) fn token(secret: &str) -> Self {
        assert!(secret.len() >= 8, "too short to search for: {secret}");
        Self(vec![secret.to_owned()])
    }

    /// A password, which is sent and stored as base64 of `USER:PASSWORD`.
    pub(crate) fn password(user: &str, password: &str) -> Self {
        let mut secret = Self::token(password);
        let pair = BASE64_STANDARD.encode(format!("{user}:{password}"));
        secret.0.push(pair.trim_end_matches('=').to_owned());
        secret.0.push(BASE64_STANDARD.encode(password));
        secret
    }

    /// Fails if `text` has the secret.
    #[track_caller]
    pub(crate) fn assert_absent(&self, location: &str, text: &str) {
        for form in &self.0 {
            assert!(!text.contains(form), "{location} has {form}:\n{text}");
        }
    }
}

/// Runs the binary with `-vv` in both log formats. Fails if a secret is in stdout, stderr, a new
/// file (report, step summary) or the arguments of any process. Returns the last output.
pub(crate) fn assert_no_leak(
    environment: &TestEnvironment,
    line: &str,
    input: &str,
    secrets: &[&Secret],
    code: i32,
) -> CommandOutput {
    let before = environment.file_names();
    let mut last = None;
    for format in ["text", "json"] {
        let output = run_under_strace(
            environment,
            &format!("{line} -vv --log-format {format}"),
            input,
        );
        let output = output.exits(code);
        let calls = environment.read("calls");
        assert!(
            calls.contains("execve("),
            "strace recorded no call: {calls}"
        );
        for secret in secrets {
            secret.assert_absent(&format!("stdout of {line}"), &output.stdout);
            secret.assert_absent(&format!("stderr of {line}"), &output.stderr);
            for name in environment.file_names() {
                if !before.contains(&name) {
                    let text = read_all(&environment.path(&name));
                    secret.assert_absent(&format!("{name} after {line}"), &text);
                }
            }
        }
        last = Some(output);
    }
    last.unwrap()
}

/// Runs the binary under strace, which records the arguments of every process in `calls`.
fn run_under_strace(environment: &TestEnvironment, line: &str, input: &str) -> CommandOutput {
    let summary = environment.path("summary.md");
    let mut command = environment.command_for("strace");
    command
        .args([
            "-f",
            "-qq",
            "-e",
            "trace=execve",
            "-s",
            "65536",
            "-o",
            "calls",
        ])
        .arg(env!("CARGO_BIN_EXE_mirror"))
        .args(line.split_whitespace())
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_STEP_SUMMARY", summary);
    CommandOutput::with_debug_log(output_with_input(&mut command, input))
}

/// Returns the content of a file, or of all files in a directory.
fn read_all(path: &Path) -> String {
    if path.is_dir() {
        let entries = fs::read_dir(path).unwrap();
        return entries
            .map(|entry| read_all(&entry.unwrap().path()))
            .collect();
    }
    String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned()
}

#[test]
#[should_panic(expected = "the log has")]
fn password_is_found_in_basic_credentials() {
    let sent = BASE64_STANDARD.encode("me:c4n4ry-found");
    Secret::password("me", "c4n4ry-found").assert_absent("the log", &format!("Basic {sent}"));
}
