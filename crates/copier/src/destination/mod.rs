//! The state of a destination registry during a run.

mod blob_locations;
mod blob_tasks;
mod destination_registry;
mod mount_candidate;
mod mount_candidates;

pub(crate) use blob_locations::{BlobLocation, BlobState, ContentOrigin};
pub(crate) use blob_tasks::Route;
pub(crate) use destination_registry::{AttachedCopied, DestinationRegistry};
#[cfg(feature = "benchmarks")]
pub(crate) use mount_candidates::MountCandidates;
pub(crate) use mount_candidates::SearchHint;
