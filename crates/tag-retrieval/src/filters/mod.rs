//! What is passed over, and why.
//!
//! Pure: versions, times and patterns go in, a [`Selection`] comes out, and every version that is not
//! in it has the reason. [`Filters`] holds all filters of an entry.

mod age;
mod constraint;
mod extract;
mod highest;
mod newest;
mod pattern;
mod selection;
mod together;
mod version;

pub use age::MinimumAge;
pub use constraint::{Constraint, ConstraintError};
pub use extract::Extract;
pub use highest::{Incomparable, TagOrder, by_version};
pub use newest::{Newest, NothingLeft};
pub use pattern::{PatternError, compile};
pub use selection::Selection;
pub use together::Filters;
pub use version::{Version, VersionError};
