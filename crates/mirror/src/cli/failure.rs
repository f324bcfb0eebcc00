//! The failure of a whole command.

use std::io;

use serde::Serialize;

use super::exit::Exit;

/// An error that ends a command. A failed row or check is part of the command's result instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The exit status.
    pub(crate) exit: Exit,
    /// The error, as `<what failed>: <cause>`.
    pub(crate) message: String,
    /// A next step for the user, in the imperative.
    pub(crate) hint: Option<String>,
    /// The invalid lines of files that caused the failure.
    pub(crate) problems: Vec<Finding>,
}

/// A problem with one line of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// The file, as named on the command line.
    pub(crate) file: String,
    /// The line, counted from 1.
    pub(crate) line: usize,
    /// The problem, often with a next step.
    pub(crate) message: String,
}

impl Failure {
    /// Creates the failure of a usage error, or of a file that cannot be read: exit 2.
    pub(crate) fn unusable(message: impl Into<String>) -> Self {
        Self::new(Exit::Unusable, message)
    }

    /// Creates the failure of an operation: exit 1.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(Exit::Failed, message)
    }

    /// Creates the failure of refused credentials: exit 4.
    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self::new(Exit::Refused, message)
    }

    /// Creates the failure of a command that a signal ended: exit 130.
    pub(crate) fn interrupted(message: impl Into<String>) -> Self {
        Self::new(Exit::Interrupted, message)
    }

    /// Creates the failure of a file with problems, before any request: exit 2. `file` names its kind.
    pub(crate) fn invalid_file(file: &str, problems: Vec<Finding>) -> Self {
        let message = match problems.len() {
            1 => format!("the {file} has 1 problem; nothing was sent"),
            many => format!("the {file} has {many} problems; nothing was sent"),
        };
        Self::unusable(message)
            .hint(format!(
                "correct the {file}, then check it with `mirror lint`"
            ))
            .problems(problems)
    }

    fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            hint: None,
            problems: Vec::new(),
        }
    }

    /// Sets the hint.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<Option<String>>) -> Self {
        self.hint = hint.into();
        self
    }

    /// Returns the failure with exit 1 instead of 2, which means that no request was sent.
    #[must_use]
    pub(crate) fn after_requests(self) -> Self {
        let exit = match self.exit {
            Exit::Unusable => Exit::Failed,
            exit => exit,
        };
        Self { exit, ..self }
    }

    /// Returns the message and the hint as one line.
    pub(crate) fn text(&self) -> String {
        match &self.hint {
            Some(hint) => format!("{} ({hint})", self.message),
            None => self.message.clone(),
        }
    }

    /// Sets the invalid lines that caused the failure.
    #[must_use]
    pub(crate) fn problems(mut self, problems: Vec<Finding>) -> Self {
        self.problems = problems;
        self
    }
}

/// Returns the message of an I/O error without its number, `(os error 2)`.
pub(crate) fn io_message(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.message)
    }
}

/// The text on stderr: the problems, then the message and the hint.
impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for problem in &self.problems {
            writeln!(f, "{problem}")?;
        }
        writeln!(f, "error: {}", self.message)?;
        match &self.hint {
            Some(hint) => writeln!(f, " hint: {hint}"),
            None => Ok(()),
        }
    }
}
