//! The output of a report: its file, the step summary of GitHub Actions, stdout.

use super::markdown::summary_table;
use super::report::RunReport;
use super::text::RunText;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::rows::report_file::ReportFileArgs;
use crate::session::Session;
use crate::terminal::github_actions;

/// Writes a report to its file, the step summary and stdout.
///
/// # Errors
///
/// [`Failure`] if the result cannot be written to stdout. A failure of the file is logged.
pub(crate) fn publish(
    session: &Session,
    title: &str,
    file: &ReportFileArgs,
    report: &RunReport,
) -> Result<Exit, Failure> {
    // If the disk is full, the result still goes to stdout.
    let exit = file.write(session, report, report.exit());
    let github = session.environment.github.as_ref();
    github_actions::add_to_step_summary(github, &summary_table(title, report));
    let text = RunText::new(report, session.is_verbose());
    session.output.write_outcome(&text, report, exit)?;
    Ok(exit)
}
