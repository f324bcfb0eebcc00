//! `mirror report`: one report of several.

use clap::{Args, Subcommand};
use std::path::PathBuf;

use super::merge::MergeError;
use super::merge::merge as merge_reports;
use super::read::read_all;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::files::atomic_file;
use crate::rows::copying::publish::publish;
use crate::session::Session;

/// The arguments of `report`.
#[derive(Debug, Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
#[command(after_help = "\
Examples:
  mirror report merge shard-1.json shard-2.json           one result, one exit code
  mirror report merge reports/*.json --report whole.json  kept as one report too")]
pub(crate) struct ReportArgs {
    #[command(subcommand)]
    pub(crate) command: ReportCommand,
}

/// What to do with reports.
#[derive(Debug, Subcommand)]
pub(crate) enum ReportCommand {
    /// Make one report of those of all shards: as one run would have told it, with its exit code
    Merge(MergeArgs),
}

/// The arguments of `report merge`.
#[derive(Debug, Args)]
pub(crate) struct MergeArgs {
    /// What `sync --report FILE` wrote; the same row in two of them is an error
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Write the merged report to a file, whatever --output is
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
}

/// Runs the command. The exit code is that of the one run for which the
/// reports stand.
///
/// # Errors
///
/// [`Failure`] for files that are no reports, or none of one run.
pub(crate) fn run(session: &Session, args: &ReportArgs) -> Result<Exit, Failure> {
    match &args.command {
        ReportCommand::Merge(args) => merge(session, args),
    }
}

fn merge(session: &Session, args: &MergeArgs) -> Result<Exit, Failure> {
    if let Some(file) = &args.report {
        atomic_file::stage(file, b"")?;
    }
    let reports = read_all(&args.files)?;
    let merged = merge_reports(&reports).map_err(|error| {
        let hint = match &error {
            MergeError::SameRow { .. } => {
                "name the report of one run over that row: the later one, where a shard was repeated"
            }
            MergeError::Division { .. } => "name the reports of one run, all with the same N of I/N",
            MergeError::DryRun { .. } => "name reports of runs that wrote, or of dry runs",
        };
        Failure::unusable(error.to_string()).hint(hint.to_owned())
    })?;
    publish(
        session,
        "mirror report merge",
        args.report.as_deref(),
        &merged,
    )
}
