//! Why something is not proposed.

use tag_retrieval::github::GithubError;

/// What GitHub says where Actions may not open pull requests.
const NOT_PERMITTED: &str = "not permitted to create or approve pull requests";

/// Why something is not proposed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProposeError {
    /// GitHub refused or failed.
    #[error("{error}{}", advice(.error))]
    Github {
        /// How.
        #[from]
        error: GithubError,
    },
    /// The list was edited from another state than the branch has.
    #[error(
        "{path} is not the same here and in {repository} on {base}: check out what is there and run again"
    )]
    Outdated {
        /// The file's path in the repository.
        path: String,
        /// Where it is proposed.
        repository: String,
        /// The branch.
        base: String,
    },
}

fn advice(error: &GithubError) -> &'static str {
    if error.to_string().contains(NOT_PERMITTED) {
        ": allow it in the repository's settings, Actions, General, Workflow permissions"
    } else {
        ""
    }
}
