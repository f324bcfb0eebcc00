//! The arguments of `retrieve-tags`.

use std::num::NonZeroUsize;
use std::time::Duration;

use clap::Args;

use crate::cli::duration;
use crate::cli::key_value::ListArgs;

/// The arguments of `retrieve-tags`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mirror retrieve-tags                              what is new, as JSON
  mirror retrieve-tags --entry etcd --explain       why a version is proposed, or is not
  mirror retrieve-tags --apply                      add it to the list, after checking each
  mirror retrieve-tags --open-prs --dry-run         the pull requests that would be opened

The result is one JSON object: for each entry the images and the tags that the list lacks. An entry
that fails is in the log, not in the result, and makes the exit code 1.

GITHUB_TOKEN raises GitHub's limit from 60 requests an hour to 5,000, and is what opens pull
requests; GITHUB_API_URL is GitHub's address, HELM the helm program (else that of PATH).
latest_entry and minimumAge read push times from Docker Hub and quay.io; elsewhere they read when
the images were created, of the 64 highest versions at most.")]
pub(crate) struct RetrieveTagsArgs {
    /// Retrieve only these entries of the configuration
    #[arg(long = "entry", value_name = "NAME", value_delimiter = ',')]
    pub(crate) entries: Vec<String>,
    /// Explain the decision about every version on standard error
    #[arg(long)]
    pub(crate) explain: bool,
    /// Add new versions to the list, after the checks of add-tag
    #[arg(long, conflicts_with = "open_prs")]
    pub(crate) apply: bool,
    /// Open a pull request on GitHub for each entry with new versions
    #[arg(long)]
    pub(crate) open_prs: bool,
    /// Print what --apply or --open-prs would do, write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Target branch of pull requests [default: default branch of the repository]
    #[arg(long, value_name = "BRANCH", requires = "open_prs")]
    pub(crate) base: Option<String>,
    /// Your organization on Docker Hub, excluded from new images
    #[arg(long, value_name = "ORG")]
    pub(crate) own_org: Option<String>,
    /// Maximum time per entry
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = duration::parse)]
    pub(crate) deadline: Duration,
    /// Maximum concurrent entries
    #[arg(long, value_name = "N", default_value = "64")]
    pub(crate) entries_at_once: NonZeroUsize,
    #[command(flatten)]
    pub(crate) lists: ListArgs,
}
