//! The plan of a copy without the copy: a registry in this process that records what is written to it.
//!
//! An export copies its images into it with the engine that copies to any registry. So approvals, platforms,
//! referrers and digest tags are those of a copy, and the walk of an image is not written twice. Manifests are
//! kept; of blobs only the digests are noted, since every blob is said to be there.

mod image_recorder;
mod recorded;
mod request;
mod stored_manifest;

pub use image_recorder::ImageRecorder;
pub use recorded::{Recorded, RecordedRepository};
pub use stored_manifest::StoredManifest;
