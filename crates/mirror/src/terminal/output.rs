//! Standard output, which has the result only, and messages on stderr.

use std::borrow::Cow;
use std::fmt::Display;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;
use serde_json::json;

use super::json_writer::JsonWriter;
use super::{color, sanitize};
use crate::cli::environment::Environment;
use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, io_message};
use crate::cli::options::OutputFormat;

/// The writer of results to stdout.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    format: OutputFormat,
    quiet: bool,
    colors: bool,
}

/// Messages on stderr are colored.
static STDERR_COLORS: AtomicBool = AtomicBool::new(false);

impl Output {
    /// Creates a writer for a format.
    pub(crate) fn new(format: OutputFormat) -> Self {
        Self {
            format,
            quiet: false,
            colors: false,
        }
    }

    /// Sets whether the text of a success is left out (`--quiet`).
    #[must_use]
    pub(crate) fn quiet(self, quiet: bool) -> Self {
        Self { quiet, ..self }
    }

    /// Turns colors off.
    #[must_use]
    pub(crate) fn plain(self) -> Self {
        Self {
            colors: false,
            ..self
        }
    }

    /// Colors results and messages that go to a terminal, unless `NO_COLOR` or `TERM=dumb` is set.
    #[must_use]
    pub(crate) fn colored(self, environment: &Environment) -> Self {
        let allowed = !environment.no_color && !environment.dumb_terminal;
        STDERR_COLORS.store(allowed && stderr_is_terminal(), Ordering::Relaxed);
        Self {
            colors: allowed && io::stdout().is_terminal(),
            ..self
        }
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
            OutputFormat::Text => {
                let text = text.to_string();
                let text = painted(sanitize::text(&text), self.colors);
                self.write_bytes(text.as_bytes())
            }
            OutputFormat::Json => self.write_document(document),
        }
    }

    /// Writes the outcome of a command. With `--quiet`, the text of a success is left out.
    ///
    /// # Errors
    ///
    /// As [`Output::write`].
    pub(crate) fn write_outcome(
        self,
        text: &dyn Display,
        document: &impl Serialize,
        exit: Exit,
    ) -> Result<(), Failure> {
        if self.quiet && self.format == OutputFormat::Text && exit == Exit::Done {
            return Ok(());
        }
        self.write(text, document)
    }

    /// Writes a result that is a JSON document in both formats.
    ///
    /// # Errors
    ///
    /// As [`Output::write`].
    pub(crate) fn write_document(self, document: &impl Serialize) -> Result<(), Failure> {
        let mut writer = JsonWriter::new(io::stdout().lock());
        let written = serde_json::to_writer_pretty(&mut writer, document);
        let written = written.map_err(io::Error::from);
        let written = written.and_then(|()| writer.write_all(b"\n"));
        require_written(written.and_then(|()| writer.flush()))
    }

    /// Writes bytes without sanitizing them.
    ///
    /// # Errors
    ///
    /// As [`Output::write`].
    pub(crate) fn write_bytes(self, bytes: &[u8]) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        require_written(stdout.write_all(bytes).and_then(|()| stdout.flush()))
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

/// Returns the failure of a write to stdout. A closed pipe is not a failure.
fn require_written(written: io::Result<()>) -> Result<(), Failure> {
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::failed(format!(
            "cannot write the result to stdout: {}",
            io_message(&error)
        ))
        .hint("check the file or the device that stdout goes to".to_owned())),
        _ => Ok(()),
    }
}

/// Writes a message to stderr, sanitized, since it may have foreign text. A closed stderr is not an
/// error.
pub(crate) fn notice(text: &str) {
    write_stderr(&message(&sanitize::text(text)));
}

/// Returns a sanitized message for stderr, colored on a terminal.
pub(crate) fn message(text: &str) -> Cow<'_, str> {
    painted(text.into(), STDERR_COLORS.load(Ordering::Relaxed))
}

fn painted(text: Cow<'_, str>, colors: bool) -> Cow<'_, str> {
    if colors {
        color::paint(&text).into()
    } else {
        text
    }
}

/// Writes a workflow command to stderr, for the runner of GitHub Actions.
pub(crate) fn command(line: &str) {
    write_stderr(&format!("{line}\n"));
}

fn write_stderr(text: &str) {
    let mut stderr = io::stderr().lock();
    stderr.write_all(text.as_bytes()).ok();
}

/// Reports whether stdout is a terminal.
pub(crate) fn stdout_is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Reports whether stderr is a terminal.
pub(crate) fn stderr_is_terminal() -> bool {
    io::stderr().is_terminal()
}
