//! Standard output, which has the result only, and messages on stderr.

use std::fmt::Display;
use std::io::{self, ErrorKind, IsTerminal, Write};

use serde::Serialize;
use serde_json::json;

use super::sanitize;
use crate::cli::failure::Failure;
use crate::cli::options::OutputFormat;

/// The writer of results to stdout.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    format: OutputFormat,
}

impl Output {
    /// Creates a writer for a format.
    pub(crate) fn new(format: OutputFormat) -> Self {
        Self { format }
    }

    /// Returns the format.
    pub(crate) fn format(self) -> OutputFormat {
        self.format
    }

    /// Writes a result in the format of the command: the text, or the JSON document. A closed pipe
    /// (`| head`) is not an error.
    ///
    /// # Errors
    ///
    /// [`Failure`] if the result cannot be written, for example to a full disk.
    pub(crate) fn write(
        self,
        text: &dyn Display,
        document: &impl Serialize,
    ) -> Result<(), Failure> {
        match self.format {
            OutputFormat::Text => self.write_bytes(sanitize::text(&text.to_string()).as_bytes()),
            OutputFormat::Json => self.write_document(document),
        }
    }

    /// Writes a result that is a JSON document in both formats.
    ///
    /// # Errors
    ///
    /// As [`Output::write`].
    pub(crate) fn write_document(self, document: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(document).map_err(|error| {
            Failure::failed(format!("cannot write the result as JSON: {error}"))
        })?;
        self.write_bytes((sanitize::json(text) + "\n").as_bytes())
    }

    /// Writes bytes without sanitizing them.
    ///
    /// # Errors
    ///
    /// As [`Output::write`].
    pub(crate) fn write_bytes(self, bytes: &[u8]) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        let written = stdout.write_all(bytes).and_then(|()| stdout.flush());
        match written {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::failed(format!(
                "cannot write the result to stdout: {error}"
            ))),
            _ => Ok(()),
        }
    }

    /// Writes the failure of the command as the JSON document, with `--output json`.
    pub(crate) fn fail(self, failure: &Failure) {
        if self.format == OutputFormat::Json {
            let document = json!({
                "error": {"message": failure.message, "hint": failure.hint},
                "problems": failure.problems,
            });
            // A failed write cannot be reported; the exit code remains.
            self.write(&"", &document).ok();
        }
    }
}

/// Writes a message to stderr, sanitized, since it may have foreign text. A closed stderr is not an
/// error.
pub(crate) fn notice(text: &str) {
    write_stderr(&sanitize::text(text));
}

/// Writes a workflow command to stderr, for the runner of GitHub Actions.
pub(crate) fn command(line: &str) {
    write_stderr(&format!("{line}\n"));
}

fn write_stderr(text: &str) {
    let mut stderr = io::stderr().lock();
    stderr.write_all(text.as_bytes()).ok();
}

/// Reports whether stderr is a terminal.
pub(crate) fn stderr_is_terminal() -> bool {
    io::stderr().is_terminal()
}
