//! Pull requests for new versions, one for each entry. They are created through the API of GitHub
//! alone, so no git remote is pushed to.
//!
//! - A proposal is a set of (source, destination, tag). The body of the pull request holds a hash of
//!   the set ([`Marker`]). A set that was proposed once, open or closed, is not proposed again.
//! - If an entry has an open pull request, a newer set updates it.
//! - Only pull requests from `mirror/` branches of the repository itself count. A pull request from a
//!   fork could have a forged marker.
//! - A run resumes an interrupted one: it reuses the branch, and the body is written last.

mod body;
mod branch;
mod decide;
mod error;
mod marker;
mod proposal;
mod propose;
mod pulls;
mod repository;
mod target;
mod writer;

use error::ProposeError;
use marker::Marker;

pub(crate) use proposal::{Edit, Kind, Proposal, ProposedPair, SkippedImage};
pub(crate) use propose::{Mode, Outcome, ProposeOptions, Proposed, propose};
pub(crate) use pulls::PullState;
pub(crate) use repository::find_repository;
