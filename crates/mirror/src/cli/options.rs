//! The options of every command.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, ValueEnum};

use super::{duration, number};

/// The options of every command, accepted before or after its name.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Common options")]
pub(crate) struct CommonOptions {
    /// Image list, can be repeated (env: IMAGES_FILE) [default: images-list]
    ///
    /// Commands that only read accept `-` for standard input.
    #[arg(long, global = true, value_name = "FILE", value_delimiter = ',')]
    pub(crate) images_list: Vec<PathBuf>,
    /// Configuration of the version sources [default: config.json]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Targets of destinations [default: targets.json beside the first list]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) targets: Option<PathBuf>,
    /// Policy of signatures (env: MIRROR_POLICY) [default: policy.json by the list]
    ///
    /// The file is a policy.json as docs/signatures.md describes, or a containers-policy.json(5).
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "no_policy")]
    pub(crate) policy: Option<PathBuf>,
    /// Let images enter the mirror whatever their signatures
    #[arg(long, global = true)]
    pub(crate) no_policy: bool,
    /// Trusted root of a Sigstore instance [default: that of the public instance]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) trusted_root: Option<PathBuf>,
    /// Mirrors and rewrites as in registries.conf (env: CONTAINERS_REGISTRIES_CONF)
    ///
    /// The format is containers-registries.conf(5), version 2. No file is read by default.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) registries_conf: Option<PathBuf>,
    /// Credentials that take precedence over all others (env: REGISTRY_AUTH_FILE)
    ///
    /// The file is an auth.json of containers, a config.json of Docker, or a pull secret of Kubernetes.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) authfile: Option<PathBuf>,
    /// Directory with *.crt, *.cert and *.key files, used for all registries
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) cert_dir: Option<PathBuf>,
    /// Registry reached without TLS verification or over plain HTTP
    #[arg(long, global = true, value_name = "HOST", value_delimiter = ',')]
    pub(crate) insecure: Vec<String>,
    /// Maximum concurrent requests per registry
    #[arg(long, global = true, value_name = "N", default_value_t = 128, value_parser = number::jobs)]
    pub(crate) jobs: u16,
    /// Maximum Retry-After that is honored, such as 90s, 5m or 1h
    #[arg(long, global = true, value_name = "TIME", default_value = "5m", value_parser = duration::parse)]
    pub(crate) max_wait: Duration,
    /// Format of the result on standard output
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "FORMAT",
        default_value_t
    )]
    pub(crate) output: OutputFormat,
    /// Format of the log on standard error
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "FORMAT",
        default_value_t
    )]
    pub(crate) log_format: LogFormat,
    /// Print errors only, without progress and warnings
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Log more: -v logs rows and retries, -vv logs every request
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Hide the progress on standard error
    #[arg(long, global = true)]
    pub(crate) no_progress: bool,
}

/// The format of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum OutputFormat {
    /// Plain text.
    #[default]
    Text,
    /// One JSON document.
    Json,
}

/// The format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum LogFormat {
    /// Plain text.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}
