//! Pull requests for what is new: one for each entry, through GitHub's API
//! alone, so that no git remote has to be written to.
//!
//! - A proposal is its exact set of (source, destination, tag). A hash of it
//!   stands in the pull request's body, which is the authority ([`Marker`]);
//!   what was proposed once, open or closed, is not proposed again.
//! - A newer set of an entry whose pull request is open goes into that one.
//! - Only pull requests from branches of this repository under `mirror/` count:
//!   anybody can open one from a fork and write a marker into it.
//! - A run that was interrupted is taken up: an abandoned branch is reused, and
//!   a body is written last.

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

pub(crate) use proposal::{Edit, Kind, LeftOut, Proposal, ProposedPair};
pub(crate) use propose::{Mode, Outcome, ProposeOptions, Proposed, propose};
pub(crate) use pulls::PullState;
pub(crate) use repository::repository_of;
