//! The command line.

use std::ffi::OsString;

use clap::{Parser, Subcommand};

use super::add_tag::AddTagArgs;
use super::check_new::CheckNewArgs;
use super::compare::CompareArgs;
use super::demo::DemoArgs;
use super::fmt::FmtArgs;
use super::inspect::InspectArgs;
use super::lint::LintArgs;
use super::lock::LockArgs;
use super::login::LoginArgs;
use super::report::ReportArgs;
use super::retrieve_tags::RetrieveTagsArgs;
use super::sync::{CopyArgs, SyncArgs};
use super::tags::TagsArgs;
use crate::cli::exit;
use crate::cli::options::CommonOptions;

/// Mirror the container images of a list
///
/// The list is a text file, `images-list`, with one row per line: `SOURCE DESTINATION TAG`. Images
/// are copied from registry to registry, byte for byte, without a daemon and without local storage.
#[derive(Debug, Parser)]
#[command(name = "mirror", version, max_term_width = 100)]
#[command(subcommand_required = true, arg_required_else_help = true)]
#[command(after_help = after_help())]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: CommonOptions,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Copy the images of the list to their destinations
    Sync(SyncArgs),
    /// Copy one image
    Copy(CopyArgs),
    /// Add tags to the list after checking that they can be mirrored
    AddTag(AddTagArgs),
    /// Check that the rows that a branch adds to the list can be mirrored
    CheckNew(CheckNewArgs),
    /// Find new versions upstream, and add them or open pull requests
    RetrieveTags(RetrieveTagsArgs),
    /// Record the current digests of the list's tags as approved
    Lock(LockArgs),
    /// Compare the destinations with the list, per row and platform
    Compare(CompareArgs),
    /// Merge the reports of several runs, such as the shards of one
    Report(ReportArgs),
    /// Check the list and the configuration, offline
    Lint(LintArgs),
    /// Format the list: sort rows, align whitespace, remove duplicates
    Fmt(FmtArgs),
    /// List the tags of a repository in version order
    Tags(TagsArgs),
    /// Show the digest, platforms, layers and referrers of an image
    Inspect(InspectArgs),
    /// Store credentials for a registry
    Login(LoginArgs),
    /// Demonstrate a mirror on this machine, without network or credentials
    Demo(DemoArgs),
}

fn after_help() -> String {
    format!(
        "\
Examples:
  mirror demo                                        demonstrate a mirror on this machine
  mirror sync --dry-run                              print the planned copies
  mirror sync --match 'quay.io/*' --report out.json  sync part of the list, write a report
  mirror compare --output json                       report missing and drifted images

{}",
        exit::HELP
    )
}

/// Returns true if `--output json` is among arguments that could not be parsed. A usage error is
/// then printed as JSON too.
pub(crate) fn requests_json(args: &[OsString]) -> bool {
    let mut args = args.iter().take_while(|arg| *arg != "--").peekable();
    let mut is_json = false;
    while let Some(arg) = args.next() {
        if arg == "--output=json" {
            is_json = true;
        } else if arg == "--output" {
            is_json = args.peek().is_some_and(|value| *value == "json");
        }
    }
    is_json
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn command_line_passes_the_assertions_of_clap() {
        Cli::command().debug_assert();
    }

    #[test]
    fn help_of_every_command_has_examples() {
        for command in Cli::command().get_subcommands() {
            let help = command
                .get_after_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            let name = command.get_name();
            let examples = help
                .lines()
                .filter(|line| line.starts_with(&format!("  mirror {name}")));
            assert!((1..=4).contains(&examples.count()), "{name}: {help}");
        }
    }

    #[test]
    fn requests_json_reads_invalid_command_lines() {
        let is_json =
            |line: &str| requests_json(&line.split(' ').map(OsString::from).collect::<Vec<_>>());
        assert!(is_json("mirror sync --bogus --output json"));
        assert!(is_json("mirror --output=json nonsense"));
        assert!(!is_json("mirror sync --bogus --output text"));
        assert!(!is_json("mirror sync -- --output json"));
        assert!(!is_json("mirror sync --output"));
    }
}
