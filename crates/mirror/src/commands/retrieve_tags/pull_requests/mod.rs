//! Pull requests for new versions, one for each entry. They are created through the API of GitHub, or as
//! merge requests through that of GitLab, so no git remote is pushed to.
//!
//! - A proposal is a set of (source, destination, tag). The body of the pull request holds a hash of
//!   the set ([`Marker`]). A set that was proposed once, open or closed, is not proposed again.
//! - If an entry has an open pull request, a newer set updates it. It is made anew where the target
//!   branch made it conflict, and closed where the list has all its rows.
//! - A commit of others is never forced away: newer rows get another branch.
//! - Rows that a person declined, by closing the pull request or taking them out before the merge, are
//!   not proposed again, unless the pull request has the label [`PROPOSE_AGAIN`].
//! - Only pull requests from `mirror/` branches of the repository itself count. A pull request from a
//!   fork could have a forged marker.
//! - A run resumes an interrupted one: it reuses the branch, and the body is written last.

mod body;
mod branch;
mod decide;
mod error;
mod github_host;
mod gitlab_host;
mod host;
mod marker;
mod own_commit;
mod proposal;
mod propose;
mod pulls;
mod repository;
mod standing;
mod target;
mod writer;

use error::ProposeError;
use marker::Marker;

pub(crate) use github_host::GithubHost;
pub(crate) use gitlab_host::GitlabHost;
pub(crate) use host::{Host, HostError};
pub(crate) use proposal::{Edit, Kind, Proposal, ProposedPair, SkippedImage};
pub(crate) use propose::{Mode, Outcome, Proposed, Proposer};
pub(crate) use pulls::{PROPOSE_AGAIN, PullState};
pub(crate) use repository::{Repository, find_repository};
pub(crate) use standing::Taken;
