//! The arguments of `retrieve-tags`.

use std::num::NonZeroUsize;
use std::time::Duration;

use clap::Args;

use crate::cli::key_value::ListArgs;
use crate::cli::{duration, number};

/// The arguments of `retrieve-tags`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mirror retrieve-tags                              print new versions as JSON
  mirror retrieve-tags --entry etcd --explain       explain the decision about each version
  mirror retrieve-tags --apply                      check new versions, add them to the list
  mirror retrieve-tags --open-prs --dry-run         print the planned pull requests

The result is one JSON object. It has the images and tags that the list lacks, by entry. A failed
entry is logged, is not in the result, and makes the exit code 1.

GITHUB_TOKEN is required to open pull requests, or GITLAB_TOKEN if the remote origin is on a GitLab.
GITHUB_TOKEN raises GitHub's limit from 60 to 5,000 requests
per hour. GITHUB_API_URL is the URL of the GitHub API, HELM the helm program (default: helm in PATH).
latest_entry and minimumAge read push times from Docker Hub and quay.io. At other registries they
read the creation times of the images, for the 64 highest versions at most.")]
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
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = duration::parse_positive)]
    pub(crate) deadline: Duration,
    /// Maximum concurrent entries
    #[arg(long, value_name = "N", default_value = "64", value_parser = number::positive)]
    pub(crate) entries_at_once: NonZeroUsize,
    #[command(flatten)]
    pub(crate) lists: ListArgs,
}
