//! The options that every command takes.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, ValueEnum};

use super::duration;

/// Options that every command takes, before or after its name.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "CommonOptions options")]
pub(crate) struct CommonOptions {
    /// The list; several are read one after the other (env: IMAGES_FILE) (default: images-list)
    #[arg(long, global = true, value_name = "FILE", value_delimiter = ',')]
    pub(crate) images_list: Vec<PathBuf>,
    /// The configuration of the version sources (default: config.json)
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Where names really are: containers-registries.conf(5), version 2; never read unless named
    /// here or in the environment (env: CONTAINERS_REGISTRIES_CONF)
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) registries_conf: Option<PathBuf>,
    /// Credentials that come before all others: auth.json or docker's config.json (env:
    /// REGISTRY_AUTH_FILE)
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) authfile: Option<PathBuf>,
    /// A folder with *.crt, *.cert and *.key for every registry
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) cert_dir: Option<PathBuf>,
    /// A registry to be reached over TLS without verification, or over plain http
    #[arg(long, global = true, value_name = "HOST", value_delimiter = ',')]
    pub(crate) insecure: Vec<String>,
    /// The most requests under way at one registry
    #[arg(long, global = true, value_name = "N", default_value_t = 128, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) jobs: u16,
    /// The longest pause that a registry may ask for (Retry-After): 90s, 5m, 1h
    #[arg(long, global = true, value_name = "TIME", default_value = "5m", value_parser = duration::parse)]
    pub(crate) max_wait: Duration,
    /// The form of the result on standard output
    #[arg(long, global = true, value_enum, value_name = "FORM", default_value_t)]
    pub(crate) output: OutputFormat,
    /// The form of the log on standard error
    #[arg(long, global = true, value_enum, value_name = "FORM", default_value_t)]
    pub(crate) log_format: LogFormat,
    /// Errors only: no progress, no warnings
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Say more: -v rows and retries, -vv every request
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
    /// No progress on standard error
    #[arg(long, global = true)]
    pub(crate) no_progress: bool,
}

/// The form of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum OutputFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON document.
    Json,
}

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}
