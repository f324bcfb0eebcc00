//! GitHub Actions: annotations in the log, and the step summary.

use std::fs::OpenOptions;
use std::io::Write;

use super::{output, sanitize};
use crate::cli::environment::GithubActions;
use crate::cli::failure::Finding;

/// Maximum annotations of one call. GitHub shows ten of a level for each step.
const MAX_ANNOTATIONS: usize = 50;

/// The level of an annotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    /// Shown as an error.
    Error,
    /// Shown as a warning.
    Warning,
    /// Shown as a notice.
    Notice,
}

/// Annotates findings at their lines in the pull request, if the command runs in GitHub Actions.
///
/// The workflow commands are written to stderr, which the runner reads too. Stdout has the result.
pub(crate) fn annotate<'a>(
    github: Option<&GithubActions>,
    level: Level,
    findings: impl IntoIterator<Item = &'a Finding>,
) {
    if github.is_some() {
        for finding in findings.into_iter().take(MAX_ANNOTATIONS) {
            output::command(&annotation(level, finding));
        }
    }
}

/// Annotates errors without a line, if the command runs in GitHub Actions.
pub(crate) fn annotate_messages(
    github: Option<&GithubActions>,
    messages: impl IntoIterator<Item = String>,
) {
    if github.is_some() {
        for message in messages.into_iter().take(MAX_ANNOTATIONS) {
            output::command(&format!("::error::{}", escape_data(&message)));
        }
    }
}

/// Returns the workflow command of an annotation.
///
/// Source: GitHub's documentation, "Workflow commands for GitHub Actions", and
/// the escaping of `actions/toolkit` (`packages/core/src/command.ts`).
fn annotation(level: Level, finding: &Finding) -> String {
    let level = match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Notice => "notice",
    };
    let file = escape_property(&finding.file);
    let message = escape_data(&finding.message);
    format!("::{level} file={file},line={}::{message}", finding.line)
}

fn escape_data(text: &str) -> String {
    let line = text.replace('%', "%25");
    let line = line.replace('\r', "%0D").replace('\n', "%0A");
    sanitize::text(&line).into_owned()
}

fn escape_property(text: &str) -> String {
    escape_data(text).replace(':', "%3A").replace(',', "%2C")
}

/// Appends Markdown to the step summary, if there is one. A failed write is a warning.
pub(crate) fn add_to_step_summary(github: Option<&GithubActions>, markdown: &str) {
    let Some(file) = github.and_then(|github| github.step_summary.as_ref()) else {
        return;
    };
    let opened = OpenOptions::new().append(true).create(true).open(file);
    let written =
        opened.and_then(|mut file| file.write_all(sanitize::markdown(markdown).as_bytes()));
    if let Err(error) = written {
        tracing::warn!(
            "cannot write GITHUB_STEP_SUMMARY {}: {error}",
            file.display()
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn annotation_escapes_separators_and_line_breaks() {
        let finding = Finding {
            file: "a:b,c%d".to_owned(),
            line: 7,
            message: "100%: first,\r\nsecond::error::".to_owned(),
        };
        let want = "::warning file=a%3Ab%2Cc%25d,line=7::100%25: first,%0D%0Asecond::error::";
        assert_eq!(annotation(Level::Warning, &finding), want);
    }

    #[test]
    fn an_annotation_has_no_escapes_and_no_other_commands() {
        let finding = Finding {
            file: "a\u{1b}[2J".to_owned(),
            line: 1,
            message: "b\u{9b}31m ##vso[task.x]y\n##[group]z\u{202e}".to_owned(),
        };
        let want =
            "::error file=a\u{fffd}[2J,line=1::b\u{fffd}31m ## vso[task.x]y%0A## [group]z\u{fffd}";
        assert_eq!(annotation(Level::Error, &finding), want);
    }

    #[test]
    fn summary_is_appended() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let github = GithubActions {
            step_summary: Some(file.path().to_owned()),
        };
        add_to_step_summary(Some(&github), "one\n");
        add_to_step_summary(Some(&github), "two\u{1b}[2J\n");
        let summary = std::fs::read_to_string(file.path()).unwrap();
        assert_eq!(summary, "one\ntwo\u{fffd}[2J\n");
    }
}
