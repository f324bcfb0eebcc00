//! The error of a proposal.

use super::host::HostError;

/// The message of GitHub if Actions may not open pull requests.
const NOT_PERMITTED: &str = "not permitted to create or approve pull requests";

/// The error of a proposal.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProposeError {
    /// The host refused a request, or a request failed.
    #[error("{error}{}", advice(.error))]
    Host {
        /// The error of the request.
        #[from]
        error: HostError,
    },
    /// Every branch of the set has commits of others.
    #[error("{branch} and all branches with a number after it have commits of others: delete one")]
    Branches {
        /// The first branch.
        branch: String,
    },
    /// The file on the base branch is not the one that was edited.
    #[error(
        "{path} is not the same here and in {repository} on {base}: check out what is there and run again"
    )]
    Outdated {
        /// The file's path in the repository.
        path: String,
        /// The repository.
        repository: String,
        /// The base branch.
        base: String,
    },
}

fn advice(error: &HostError) -> &'static str {
    if error.to_string().contains(NOT_PERMITTED) {
        ": allow it in the repository's settings, Actions, General, Workflow permissions"
    } else {
        ""
    }
}
