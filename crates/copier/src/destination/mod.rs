//! What is known of a destination registry during a run: which repository has
//! which blob, which manifests are there, and where to look for more.

mod blob_places;
mod candidate;
mod candidates;
mod known;

pub(crate) use blob_places::{BlobPlaces, BlobState};
pub(crate) use candidates::{Candidates, Near};
pub(crate) use known::Destination;
