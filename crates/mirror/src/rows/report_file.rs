//! `--report`: the file with the JSON document of a command.

use std::path::PathBuf;

use chrono::{DateTime, SecondsFormat, Utc};
use clap::Args;
use serde::Serialize;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::files::atomic_file;
use crate::git::refuse_link_to_write;
use crate::session::Session;
use crate::terminal::logging;

/// The option for the file.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ReportFileArgs {
    /// Output file for the JSON report
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

impl ReportFileArgs {
    /// Checks that the file can be written, before hours of work, and empties it: if the run is killed, the
    /// report of an earlier run must not pass for its own.
    ///
    /// # Errors
    ///
    /// As [`ReportFileArgs::check`].
    pub(crate) fn begin(&self) -> Result<(), Failure> {
        self.check()?;
        match &self.report {
            // Pipes and devices have no earlier report.
            Some(file) if file.is_file() => atomic_file::write(file, b""),
            _ => Ok(()),
        }
    }

    /// Checks that the file can be written, and leaves it as it is.
    ///
    /// # Errors
    ///
    /// [`Failure`] if it cannot, or the file is behind a symbolic link of the checkout.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let Some(file) = &self.report else {
            return Ok(());
        };
        refuse_link_to_write(file)?;
        atomic_file::stage(file, b"").map(drop)
    }

    /// Writes the document to the file, if there is one. A failure is logged, so that the result
    /// still goes to stdout. Returns the exit code of the command or of the write, the higher one.
    pub(crate) fn write(&self, session: &Session, document: &impl Serialize, exit: Exit) -> Exit {
        match self.try_write(document) {
            Ok(()) => exit,
            Err(failure) => {
                let failure = failure.after_requests();
                logging::report(&failure, session.common.log_format);
                exit.max(failure.exit)
            }
        }
    }

    fn try_write(&self, document: &impl Serialize) -> Result<(), Failure> {
        let Some(file) = &self.report else {
            return Ok(());
        };
        let text = serde_json::to_vec_pretty(document);
        let mut text = text.map_err(|error| {
            Failure::failed(format!("cannot write the report as JSON: {error}"))
        })?;
        text.push(b'\n');
        atomic_file::write(file, &text)
    }
}

/// The program that wrote a report, and the start of its run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Provenance {
    /// `mirror VERSION`
    pub(crate) tool: String,
    /// RFC 3339, in UTC.
    pub(crate) started: String,
}

impl Provenance {
    /// Creates the provenance of a run that starts now.
    pub(crate) fn now() -> Self {
        let now: DateTime<Utc> = Utc::now();
        Self {
            tool: tool(),
            started: now.to_rfc3339_opts(SecondsFormat::Secs, true),
        }
    }
}

/// Returns the name and the version of this program.
pub(crate) fn tool() -> String {
    concat!("mirror ", env!("CARGO_PKG_VERSION")).to_owned()
}
