//! Runs that are watched, and the search.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use tokio::task::block_in_place;

use crate::environment::{Finished, TestEnvironment};

/// A secret, in each form in which it could show.
pub(crate) struct Canary(Vec<String>);

impl Canary {
    /// A secret that is sent as it is.
    pub(crate) fn token(secret: &str) -> Self {
        assert!(secret.len() >= 8, "too short to be looked for: {secret}");
        Self(vec![secret.to_owned()])
    }

    /// A password, which is sent and stored with the user's name.
    pub(crate) fn password(user: &str, password: &str) -> Self {
        let mut canary = Self::token(password);
        let pair = BASE64_STANDARD.encode(format!("{user}:{password}"));
        canary.0.push(pair.trim_end_matches('=').to_owned());
        canary.0.push(BASE64_STANDARD.encode(password));
        canary
    }

    /// Fails where `text` has it.
    #[track_caller]
    pub(crate) fn is_not_in(&self, place: &str, text: &str) {
        for form in &self.0 {
            assert!(!text.contains(form), "{place} has {form}:\n{text}");
        }
    }
}

/// Runs the binary at its most talkative, once for each form of the log, and looks for the canaries
/// in stdout, stderr, the summary, the report and the arguments of every process. Files that are
/// there before are not looked at: that is where the canaries sit. Gives what the last run left.
pub(crate) fn search(
    environment: &TestEnvironment,
    line: &str,
    input: &str,
    canaries: &[&Canary],
    code: i32,
) -> Finished {
    let before = environment.files();
    let mut last = None;
    for format in ["text", "json"] {
        let done = watch(
            environment,
            &format!("{line} -vv --log-format {format}"),
            input,
        );
        let done = done.exits(code);
        let calls = environment.read("calls");
        assert!(calls.contains("execve("), "strace saw nothing: {calls}");
        for canary in canaries {
            canary.is_not_in(&format!("stdout of {line}"), &done.stdout);
            canary.is_not_in(&format!("stderr of {line}"), &done.stderr);
            for name in environment.files() {
                if !before.contains(&name) {
                    let text = all_of(&environment.path(&name));
                    canary.is_not_in(&format!("{name} after {line}"), &text);
                }
            }
        }
        last = Some(done);
    }
    last.unwrap()
}

/// Under strace, which notes the arguments of every process that is started.
fn watch(environment: &TestEnvironment, line: &str, input: &str) -> Finished {
    let summary = environment.path("summary.md");
    let mut command = environment.program("strace");
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
        .env("GITHUB_STEP_SUMMARY", summary)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // Not every command reads it.
    stdin.write_all(input.as_bytes()).ok();
    drop(stdin);
    Finished::with_its_log(block_in_place(|| child.wait_with_output()).unwrap())
}

/// The files of a folder too.
fn all_of(path: &Path) -> String {
    if path.is_dir() {
        let entries = fs::read_dir(path).unwrap();
        return entries
            .map(|entry| all_of(&entry.unwrap().path()))
            .collect();
    }
    String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned()
}

#[test]
#[should_panic(expected = "there has")]
fn a_canary_is_found_behind_base64() {
    let sent = BASE64_STANDARD.encode("me:c4n4ry-found");
    Canary::password("me", "c4n4ry-found").is_not_in("there", &format!("Basic {sent}"));
}
