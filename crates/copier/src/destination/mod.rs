//! What is known of a destination registry during a run: which repository has
//! which blob, which manifests are there, and where to look for more.

mod blob_locations;
mod known;
mod mount_candidate;
mod mount_candidates;

pub(crate) use blob_locations::{BlobLocations, BlobState};
pub(crate) use known::Destination;
pub(crate) use mount_candidates::{MountCandidates, SearchHint};
