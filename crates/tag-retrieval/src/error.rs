//! Why an entry has no result.

use std::sync::Arc;

use crate::filters::NothingLeft;
use crate::github::GithubError;
use crate::helm::HelmError;
use crate::sources::GitError;

/// Why an entry has no result. Says what failed, where and what to do.
#[derive(Debug, thiserror::Error)]
pub enum RetrievalError {
    /// The source has nothing to choose from.
    #[error("{place} {what}")]
    Nothing {
        /// Such as `quay.io/coreos/etcd`.
        place: String,
        /// Such as `has no tags`.
        what: String,
    },
    /// `latest` or `latest_entry` could not choose.
    #[error(transparent)]
    NothingLeft(#[from] NothingLeft),
    /// GitHub refused or failed.
    #[error(transparent)]
    Github(#[from] GithubError),
    /// A registry refused or failed.
    #[error(transparent)]
    Registry(#[from] registry_client::Error),
    /// The tags of a git repository could not be asked for.
    #[error(transparent)]
    Git(#[from] GitError),
    /// There is no helm, or it cannot reach the repository of the charts.
    #[error(transparent)]
    Helm(#[from] Arc<HelmError>),
    /// Nothing of any chart could be rendered.
    #[error("no chart gave a result: {}", failures.join("; "))]
    Charts {
        /// Each with its chart.
        failures: Vec<String>,
    },
}
