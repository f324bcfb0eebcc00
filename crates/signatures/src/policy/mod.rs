//! The policy: the signatures that images need to enter the mirror.
//!
//! `policy.json` is read by [`Policy::parse`], which also reads a containers-policy.json(5) for what that can say.
//! [`weakened`] compares two policies, and [`export`] writes one for the consumers of the mirror.

mod containers_policy;
mod description;
mod export;
mod fields;
mod key_files;
#[expect(
    clippy::module_inception,
    reason = "the file bears the name of the type"
)]
mod policy;
mod reader;
mod signers;
mod source_pattern;
#[cfg(any(test, fuzzing))]
mod test_keys;
mod weakening;

pub use description::describe;
pub use export::{Copy, ExportFormat, ExportProblem, KeylessForm, export};
pub use fields::policy_schema;
pub use key_files::ReadKey;
pub use policy::{Decision, Policy, Rule};
pub use source_pattern::{SourcePattern, SourcePatternError};
#[cfg(any(test, fuzzing))]
pub(crate) use test_keys::pem as test_pem;
pub use weakening::{Weakening, weakened};
