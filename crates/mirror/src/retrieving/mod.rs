//! What upstream announced and the list lacks.

mod apply;
mod drafting;
mod known;
mod open;
mod retrieval;
mod upstreams;

pub(crate) use apply::apply;
use drafting::draft;
pub(crate) use known::Known;
pub(crate) use open::{open_prs, proposing};
pub(crate) use retrieval::{EntryReport, EntryState, Retrieval};
pub(crate) use upstreams::Asking;
