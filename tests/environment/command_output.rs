//! The result of a run: exit code and streams.

use std::process::Output;

use serde_json::Value;

use super::canaries;

/// Log levels that only `-vv` prints, as text logs and JSON logs spell them.
const DEBUG_LEVELS: [&str; 2] = ["TRACE", "DEBUG"];

/// The exit code and the streams of a finished process.
#[derive(Debug)]
pub(crate) struct CommandOutput {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl CommandOutput {
    /// Keeps what the process would have printed without `-vv`. Fails if any line has a canary.
    #[track_caller]
    pub(crate) fn new(output: Output) -> Self {
        Self::with_debug_log(output).without_debug_log()
    }

    /// The same as [`Self::new`] for a test that read the streams itself.
    #[track_caller]
    pub(crate) fn from_parts(code: Option<i32>, stdout: String, stderr: String) -> Self {
        let output = Self {
            code,
            stdout,
            stderr,
        };
        output.assert_no_canary();
        output.without_debug_log()
    }

    /// Keeps every line. Fails if any line has a canary.
    #[track_caller]
    pub(crate) fn with_debug_log(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let output = Self {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        };
        output.assert_no_canary();
        output
    }

    pub(super) fn without_debug_log(self) -> Self {
        Self {
            stdout: without_debug_lines(&self.stdout),
            stderr: without_debug_lines(&self.stderr),
            ..self
        }
    }

    #[track_caller]
    fn assert_no_canary(&self) {
        canaries::assert_no_canary("stdout", &self.stdout);
        canaries::assert_no_canary("stderr", &self.stderr);
    }

    /// Asserts the exit code and returns the output.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "stdout:\n{}\nstderr:\n{}",
            self.stdout,
            self.stderr
        );
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        self
    }

    /// Parses stdout, which must be one JSON document and nothing else.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        let document = serde_json::from_str(&self.stdout);
        document.unwrap_or_else(|error| unreachable!("{error} in:\n{}", self.stdout))
    }
}

fn without_debug_lines(text: &str) -> String {
    let lines = text.split_inclusive('\n');
    lines.filter(|line| !is_debug_line(line)).collect()
}

fn is_debug_line(line: &str) -> bool {
    if line.starts_with('{') {
        let event: Option<Value> = serde_json::from_str(line).ok();
        let level = event.as_ref().and_then(|event| event["level"].as_str());
        return level.is_some_and(|level| DEBUG_LEVELS.contains(&level));
    }
    let first = line.split(' ').next();
    first.is_some_and(|first| DEBUG_LEVELS.contains(&first))
}

#[test]
fn only_debug_lines_are_removed() {
    let text =
        "TRACE a\nDEBUG b\n WARN c\nTRACES\n{\"level\":\"TRACE\"}\n{\"level\":\"WARN\"}\n{\n";
    let kept = " WARN c\nTRACES\n{\"level\":\"WARN\"}\n{\n";
    assert_eq!(without_debug_lines(text), kept);
}
