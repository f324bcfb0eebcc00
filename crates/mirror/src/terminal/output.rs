//! Standard output: the result, and nothing else.

use std::fmt::Display;
use std::io::{self, ErrorKind, IsTerminal, Write};

use serde::Serialize;
use serde_json::json;

use super::sanitize;
use crate::cli::failure::Failure;
use crate::cli::options::OutputFormat;

/// Where results go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    format: OutputFormat,
}

impl Output {
    /// Output in this form.
    pub(crate) fn new(format: OutputFormat) -> Self {
        Self { format }
    }

    /// The form that was asked for.
    pub(crate) fn format(self) -> OutputFormat {
        self.format
    }

    /// Writes a result: the text for people or the document, whichever was
    /// asked for. A reader that has left (`| head`) is no failure.
    ///
    /// # Errors
    ///
    /// [`Failure`] where the result cannot be written, for instance on a full
    /// disk.
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

    /// Writes a result that is a document in either form.
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

    /// Writes bytes as they are.
    ///
    /// # Errors
    ///
    /// As [`Output::write`].
    pub(crate) fn write_bytes(self, bytes: &[u8]) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        let written = stdout.write_all(bytes).and_then(|()| stdout.flush());
        match written {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::failed(format!(
                "cannot write the result to standard output: {error}"
            ))),
            _ => Ok(()),
        }
    }

    /// The failure of the command where JSON was asked for: stdout is one
    /// document whatever happens.
    pub(crate) fn fail(self, failure: &Failure) {
        if self.format == OutputFormat::Json {
            let document = json!({
                "error": {"message": failure.message, "hint": failure.hint},
                "problems": failure.problems,
            });
            // What cannot be written cannot be reported either; the exit code stands.
            self.write(&"", &document).ok();
        }
    }
}

/// Writes to stderr what may have come from upstream. Whoever closed it does
/// not want to know.
pub(crate) fn notice(text: &str) {
    write_stderr(&sanitize::text(text));
}

/// Writes a line to stderr that the runner of GitHub Actions is to act on.
pub(crate) fn command(line: &str) {
    write_stderr(&format!("{line}\n"));
}

fn write_stderr(text: &str) {
    let mut stderr = io::stderr().lock();
    stderr.write_all(text.as_bytes()).ok();
}

/// Whether a person watches stderr.
pub(crate) fn stderr_is_terminal() -> bool {
    io::stderr().is_terminal()
}
