//! Running `mirror report`.

use clap::{Args, Subcommand};
use std::path::PathBuf;

use super::merge::MergeError;
use super::merge::merge as merge_reports;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::rows::copying::publish::publish;
use crate::rows::copying::report_files::read_all;
use crate::rows::report_file::ReportFileArgs;
use crate::session::Session;

/// The arguments of `report`.
#[derive(Debug, Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
#[command(after_help = "\
Examples:
  mirror report merge shard-1.json shard-2.json            print one result, exit with one code
  mirror report merge reports/*.json --report merged.json  write the merged report too")]
pub(crate) struct ReportArgs {
    #[command(subcommand)]
    pub(crate) command: ReportCommand,
}

/// The subcommands of `report`.
#[derive(Debug, Subcommand)]
pub(crate) enum ReportCommand {
    /// Merge the reports of all shards into one result and one exit code
    ///
    /// The output and the exit code are those of a single run over all rows. A missing shard is an
    /// error.
    Merge(MergeArgs),
}

/// The arguments of `report merge`.
#[derive(Debug, Args)]
pub(crate) struct MergeArgs {
    /// Reports written by `sync --report FILE`
    ///
    /// Two reports with different results for one row are an error.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) report: ReportFileArgs,
}

/// Runs the command. Exits like a single run over the rows of all reports.
///
/// # Errors
///
/// [`Failure`] for files that are not reports, and for reports that do not belong to one run.
pub(crate) fn run(session: &Session, args: &ReportArgs) -> Result<Exit, Failure> {
    match &args.command {
        ReportCommand::Merge(args) => merge(session, args),
    }
}

fn merge(session: &Session, args: &MergeArgs) -> Result<Exit, Failure> {
    args.report.check()?;
    let reports = read_all(&args.files)?;
    let merged = merge_reports(&reports).map_err(|error| {
        let hint = match &error {
            MergeError::SameRow { .. } => {
                "use one report for each row: the later one if a shard was run again"
            }
            MergeError::SameShard { .. } => {
                "use one report for each shard: the later one if it was run again"
            }
            MergeError::ShardCount { .. } => "use the reports of one run, with the same N in I/N",
            MergeError::DryRun { .. } => "use only reports of dry runs, or none",
        };
        Failure::unusable(error.to_string()).hint(hint.to_owned())
    })?;
    publish(session, "mirror report merge", &args.report, &merged)
}
