//! The output of a report: its file, the step summary of GitHub Actions, stdout.

use std::path::Path;

use super::markdown::summary_table;
use super::report::RunReport;
use super::text::RunText;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::files::atomic_file;
use crate::git::refuse_link_to_write;
use crate::session::Session;
use crate::terminal::github_actions;
use crate::terminal::logging;

/// Checks that a report can be written to a file.
///
/// # Errors
///
/// [`Failure`] if it cannot, or the file is behind a symbolic link of the checkout.
pub(crate) fn check_file(file: &Path) -> Result<(), Failure> {
    refuse_link_to_write(file)?;
    atomic_file::stage(file, b"").map(drop)
}

/// Writes a report to its file, the step summary and stdout.
///
/// # Errors
///
/// [`Failure`] if the result cannot be written to stdout. A failure of the file is logged.
pub(crate) fn publish(
    session: &Session,
    title: &str,
    file: Option<&Path>,
    report: &RunReport,
) -> Result<Exit, Failure> {
    // If the disk is full, the result still goes to stdout.
    let written = file.map_or(Ok(()), |file| write(file, report));
    let github = session.environment.github.as_ref();
    github_actions::add_to_step_summary(github, &summary_table(title, report));
    let text = RunText::new(report, session.is_verbose());
    session.output.write(&text, report)?;
    // The exit code is that of the run or of the file, the higher one.
    Ok(match written {
        Ok(()) => report.exit(),
        Err(failure) => {
            logging::report(&failure, session.common.log_format);
            report.exit().max(failure.exit)
        }
    })
}

/// Writes a report to its file.
///
/// # Errors
///
/// [`Failure`] that names the file.
fn write(file: &Path, report: &RunReport) -> Result<(), Failure> {
    let text = serde_json::to_vec_pretty(report);
    let mut text =
        text.map_err(|error| Failure::failed(format!("cannot write the report as JSON: {error}")))?;
    text.push(b'\n');
    atomic_file::write(file, &text)
}
