//! The policy for consumers of the mirror: what clusters and podman need to verify its copies.

mod containers_policy;
mod copies;
mod document;
mod format;
mod kyverno;
mod policy_controller;
mod problem;
mod yaml;

pub use copies::Copy;
pub use document::export;
pub use format::{ExportFormat, KeylessForm};
pub use problem::ExportProblem;
