//! The command line as a whole.

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

/// Keeps mirrors of container images: the list, the checks and the copying.
///
/// A plain text file, `images-list`, says what is mirrored where, one
/// `SOURCE DESTINATION TAG` a line. Images are copied registry to registry, byte
/// for byte, without a daemon and without local storage.
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

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Bring every destination of the list up to its row
    Sync(SyncArgs),
    /// Copy one image, with the engine of `sync`
    Copy(CopyArgs),
    /// Add tags to images of the list, after checking each
    AddTag(AddTagArgs),
    /// Check what a branch adds to the list: can it be mirrored?
    CheckNew(CheckNewArgs),
    /// Ask the version sources what is new; add it, or propose it
    RetrieveTags(RetrieveTagsArgs),
    /// Approve the images that the list's tags point to now: write the list's lock
    Lock(LockArgs),
    /// Is the mirror what the list says? Per row and platform
    Compare(CompareArgs),
    /// Put the reports of several runs together, as of the shards of one
    Report(ReportArgs),
    /// Check the form of the list and of the configuration, offline
    Lint(LintArgs),
    /// Bring the list into form: order, blanks, duplicates
    Fmt(FmtArgs),
    /// List the tags of a repository, in version order
    Tags(TagsArgs),
    /// Show an image: digest, platforms, layers, referrers
    Inspect(InspectArgs),
    /// Store credentials for a registry
    Login(LoginArgs),
    /// See the whole cycle on this machine alone: no network, no credentials
    Demo(DemoArgs),
}

fn after_help() -> String {
    format!(
        "\
Examples:
  mirror demo                                        the whole cycle, on this machine alone
  mirror sync --dry-run                              what would be copied
  mirror sync --match 'quay.io/*' --report out.json  a part of the list, with a report
  mirror compare --output json                       what is missing or has drifted

{}",
        exit::HELP
    )
}

/// Whether `--output json` stands in arguments that could not be parsed: a
/// usage error is one JSON document too.
pub(crate) fn wants_json(args: &[OsString]) -> bool {
    let mut args = args.iter().take_while(|arg| *arg != "--").peekable();
    let mut wanted = false;
    while let Some(arg) = args.next() {
        if arg == "--output=json" {
            wanted = true;
        } else if arg == "--output" {
            wanted = args.peek().is_some_and(|value| *value == "json");
        }
    }
    wanted
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_shows_examples() {
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
    fn json_is_wanted_even_by_a_broken_command_line() {
        let wants =
            |line: &str| wants_json(&line.split(' ').map(OsString::from).collect::<Vec<_>>());
        assert!(wants("mirror sync --bogus --output json"));
        assert!(wants("mirror --output=json nonsense"));
        assert!(!wants("mirror sync --bogus --output text"));
        assert!(!wants("mirror sync -- --output json"));
        assert!(!wants("mirror sync --output"));
    }
}
