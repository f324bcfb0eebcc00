//! Decides which tags and manifests of a mirror can be deleted, and reads and writes the plan.
//!
//! # The problem
//!
//! A deletion at a registry cannot be taken back, and what looks superfluous may be needed: one digest has
//! several tags, an index lists children that another tag names, a signature refers to its subject, and
//! other people have tags in the same repository. This crate decides with facts alone: it sends no
//! requests, reads no files and has no clock.
//!
//! ```
//! use prune_plan::{Decision, Former, ManifestNode, Options, Removal, RepositoryFacts, plan};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let digest: image_name::Digest = format!("sha256:{}", "a".repeat(64)).parse()?;
//! let mut facts = RepositoryFacts::default();
//! for tag in ["v1", "v2"] {
//!     facts.tags.insert(tag.parse()?, digest.clone());
//! }
//! facts.graph.insert(digest.clone(), ManifestNode::default());
//! facts.kept_tags.insert("v2".parse()?);
//! let removal = Removal::Row { commit: "4f2a".to_owned(), time: 1_700_000_000 };
//! let former = Former { removal, written: [digest].into(), is_brief: false };
//! facts.former.insert("v1".parse()?, former);
//!
//! let decided = plan(&facts, &Options::default(), None);
//! let going: Vec<_> = decided.deletions.iter().map(|line| line.target.to_string()).collect();
//! // The tag goes; the manifest stays, because v2 needs it.
//! assert_eq!(going, ["v1"]);
//! assert!(matches!(decided.tags[1].1, Decision::Keep(_)));
//! # Ok(())
//! # }
//! ```
//!
//! # Invariants
//!
//! - A tag of a row, of its architectures or of a digest that stays is never in a plan.
//! - A manifest is in a plan only if no tag, index, referrer, row, lock line or use that stays needs it.
//! - Within a repository, tags come before manifests, parents before children, and subjects before their
//!   referrers: an interrupted run leaves nothing incomplete behind a tag.
//! - A plan that is applied is decided again, from the facts of that time. A line that would not be in the
//!   new plan is not applied.

mod decision;
mod deletion_limit;
mod facts;
mod freed_bytes;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod manifest_graph;
mod order;
mod owners;
mod plan_file;
#[cfg(test)]
mod random_tests;
mod repository_plan;
mod tag_decisions;
mod used_images;

pub use decision::{Decision, GoReason, KeepReason};
pub use deletion_limit::{DeletionLimit, DeletionLimitError};
pub use facts::{Former, KeptBy, Options, Removal, RepositoryFacts, SelectedTag, Selection};
pub use freed_bytes::{RegistryShare, add_freed_bytes};
pub use manifest_graph::{ManifestBlob, ManifestGraph, ManifestNode};
pub use plan_file::{PLAN_VERSION, PlanFile, PlanLine};
pub use repository_plan::{Deletion, RepositoryPlan, plan};
pub use used_images::{UsedImages, UsedImagesError};
