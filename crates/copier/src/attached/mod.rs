//! Content attached to an image: referrers and digest tags.
//!
//! Sources: distribution specification, "Listing Referrers", "Referrers Tag Schema"; cosign,
//! "Signature Specification" (digest tags).

mod attached_copy;
mod children;
mod digest_tag_copy;
mod levels;
mod referrers_copy;
mod survey;

pub(crate) use attached_copy::AttachedCopy;
pub(crate) use children::Children;
pub use survey::AttachedSurvey;
