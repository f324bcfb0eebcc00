//! The error of a version source.

use std::sync::Arc;

use crate::filters::SelectionError;
use crate::github::GithubError;
use crate::helm::HelmError;

/// The reason why a version source has no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RetrievalError {
    /// The source announces nothing to choose from.
    #[error("{location} {reason}")]
    Empty {
        /// The upstream, such as `quay.io/coreos/etcd`.
        location: String,
        /// The finding, such as `has no tags`.
        reason: String,
    },
    /// `latest` or `latest_entry` has nothing to choose from.
    #[error(transparent)]
    Selection(#[from] SelectionError),
    /// A request to GitHub failed.
    #[error(transparent)]
    Github(#[from] GithubError),
    /// A request to a registry or another host failed.
    #[error(transparent)]
    Registry(#[from] registry_client::Error),
    /// The `helm` program is missing, or cannot read the chart repository.
    #[error(transparent)]
    Helm(#[from] Arc<HelmError>),
    /// No chart could be rendered.
    #[error("no chart could be rendered: {}", failures.join("; "))]
    Charts {
        /// The failure of each chart.
        failures: Vec<String>,
    },
    /// Another source failed.
    #[error(transparent)]
    Source(Box<dyn std::error::Error + Send + Sync>),
}
