//! The command line.

use std::ffi::OsString;

use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};

use super::add_tag::AddTagArgs;
use super::bundle::BundleArgs;
use super::check_new::CheckNewArgs;
use super::compare::CompareArgs;
use super::completions::CompletionsArgs;
use super::config::ConfigArgs;
use super::demo::DemoArgs;
use super::diff::DiffArgs;
use super::digest::DigestArgs;
use super::expand::ExpandArgs;
use super::export::ExportArgs;
use super::fmt::FmtArgs;
use super::images::ImagesArgs;
use super::import::ImportArgs;
use super::inspect::InspectArgs;
use super::inventory::InventoryArgs;
use super::lint::LintArgs;
use super::lock::LockArgs;
use super::login::LoginArgs;
use super::logout::LogoutArgs;
use super::man_pages::ManPagesArgs;
use super::ping::PingArgs;
use super::policy::PolicyArgs;
use super::prune::PruneArgs;
use super::report::ReportArgs;
use super::retrieve_tags::RetrieveTagsArgs;
use super::rewrite::RewriteArgs;
use super::sync::{CopyArgs, SyncArgs};
use super::tags::TagsArgs;
use super::usage::UsageArgs;
use super::usage_error::with_own_tips;
use super::verify::VerifyArgs;
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
    /// Print the images that manifests, charts, bundles and catalogs need
    Images(ImagesArgs),
    /// Print the rows of a run, with those of followed entries
    Expand(ExpandArgs),
    /// Record the current digests of the list's tags as approved
    Lock(LockArgs),
    /// Copy the images of a bundle to their destinations
    Import(ImportArgs),
    /// List the contents of a bundle, or verify it offline
    Bundle(BundleArgs),
    /// Compare the destinations with the list, per row and platform
    Compare(CompareArgs),
    /// Delete tags that no row writes any more, after a plan
    Prune(PruneArgs),
    /// Compare the images that Kubernetes clusters use with the list
    Usage(UsageArgs),
    /// Check the signatures of images at their sources
    Verify(VerifyArgs),
    /// Write the images of the list to a file, for the way across an air gap
    Export(ExportArgs),
    /// Print what the destinations have of the list: the base of an export
    Inventory(InventoryArgs),
    /// Write the configuration that points consumers at the mirror
    Rewrite(RewriteArgs),
    /// Write the policy that consumers of the mirror need
    Policy(PolicyArgs),
    /// Merge the reports of several runs, such as the shards of one
    Report(ReportArgs),
    /// Check the list, its lock, the policy and the configuration, offline
    Lint(LintArgs),
    /// Format the list: sort rows, align whitespace, remove duplicates
    Fmt(FmtArgs),
    /// List the tags of a repository in version order
    Tags(TagsArgs),
    /// Show the digest, platforms, layers and referrers of an image
    Inspect(InspectArgs),
    /// Print the digest of an image
    Digest(DigestArgs),
    /// Compare two images: platforms, layers, configs, annotations
    Diff(DiffArgs),
    /// Print the effective settings and their origins
    Config(ConfigArgs),
    /// Check a registry: API, TLS, credentials, limits and the right to push
    Ping(PingArgs),
    /// Verify and store credentials for a registry, or list the stored ones
    Login(LoginArgs),
    /// Remove the stored credentials for a registry
    Logout(LogoutArgs),
    /// Demonstrate a mirror on this machine, without network or credentials
    Demo(DemoArgs),
    /// Print the completion script of a shell
    Completions(CompletionsArgs),
    /// Write the manual pages to a directory
    ManPages(ManPagesArgs),
}

impl Cli {
    /// Parses the arguments. The matches tell options that were given from defaults.
    ///
    /// # Errors
    ///
    /// The usage error, or the help or version that was requested.
    pub(crate) fn parse_with_matches(args: &[OsString]) -> Result<(Self, ArgMatches), clap::Error> {
        let mut command_line = with_short_help(Self::command());
        let matches = command_line.try_get_matches_from_mut(args);
        let matches = matches.map_err(|error| with_own_tips(error, &command_line, args))?;
        let cli = Self::from_arg_matches(&matches);
        let cli = cli.map_err(|error| error.format(&mut Self::command()))?;
        Ok((cli, matches))
    }
}

/// Replaces the common options in the help of each command by one list of their names. The help of
/// `mirror` describes them.
fn with_short_help(mut command_line: clap::Command) -> clap::Command {
    let common = command_line
        .get_arguments()
        .filter(|arg| arg.is_global_set());
    let names: Vec<String> = common
        .filter_map(|argument| argument.get_long())
        .map(|long| format!("--{long}"))
        .collect();
    let common = format!(
        "Common options, described by `mirror --help`:\n{}",
        indented_lines(&names)
    );
    command_line.build();
    command_line.mut_subcommands(|command| shorten(command, &common))
}

fn shorten(command: clap::Command, common: &str) -> clap::Command {
    let examples = command.get_after_help().map(ToString::to_string);
    let after_help = match examples {
        Some(examples) => format!("{common}\n\n{examples}"),
        None => common.to_owned(),
    };
    command
        .mut_args(|argument| {
            let is_common = argument.is_global_set();
            argument.hide(is_common)
        })
        .after_help(after_help)
        .mut_subcommands(|command| shorten(command, common))
}

/// Returns words as indented lines, separated by commas.
fn indented_lines(words: &[String]) -> String {
    /// Maximum length of a line.
    const WIDTH: usize = 80;
    let mut lines = vec!["  ".to_owned()];
    for (index, word) in words.iter().enumerate() {
        let comma = if index + 1 == words.len() { "" } else { ", " };
        let line = lines.last().map_or(0, String::len);
        if line + word.len() > WIDTH {
            lines.push("  ".to_owned());
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(word);
            line.push_str(comma);
        }
    }
    let lines: Vec<_> = lines.iter().map(|line| line.trim_end()).collect();
    lines.join("\n")
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
    use super::*;
    use crate::commands::usage_error;

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
    fn help_of_a_command_has_the_common_options_in_a_few_lines() {
        let mut command_line = with_short_help(Cli::command());
        let merge = ["report", "merge"];
        for path in [&["sync"][..], &["tags"], &merge] {
            let mut command = &mut command_line;
            for name in path {
                command = command.find_subcommand_mut(name).unwrap();
            }
            let help = command.render_help().to_string();
            let (_, common) = help.split_once("Common options").unwrap();
            let lines = common.lines().take_while(|line| !line.is_empty());
            assert!(lines.count() <= 4, "{path:?}: {help}");
            for name in ["--images-list", "--jobs", "--no-progress"] {
                assert_eq!(help.matches(name).count(), 1, "{path:?} {name}: {help}");
            }
        }
        let help = command_line.render_help().to_string();
        assert!(
            help.contains("Maximum concurrent requests per registry"),
            "{help}"
        );
    }

    #[test]
    fn tips_for_unknown_options_name_options() {
        for (line, tip) in [
            ("sync -j 3", Some("begin with it: '--jobs'")),
            ("compare -o json", Some("'--output'")),
            ("login r.io -u me -p x", Some("'--password-stdin'")),
            ("sync --jobs -1", Some("write '--OPTION=-1'")),
            ("sync --dryrun", Some("'--dry-run'")),
            ("sync -Z", None),
            ("sync --xyzzy", None),
        ] {
            let line = format!("mirror {line}");
            let args: Vec<_> = line.split(' ').map(OsString::from).collect();
            let error = Cli::parse_with_matches(&args).unwrap_err();
            let found = usage_error::tips(&error);
            assert!(!error.to_string().contains("as a value"), "{error}");
            match tip {
                Some(tip) => assert!(found.is_some_and(|found| found.contains(tip)), "{error}"),
                None => assert_eq!(found, None, "{error}"),
            }
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
