//! The filters for versions.
//!
//! Pure. [`FilterSet`] holds the filters of an entry and returns a [`Selection`]; every version that it
//! drops has a reason.

mod constraint;
mod filter_set;
mod minimum_age;
mod newest;
mod pattern;
mod selection;
mod tag_extractor;
mod tag_order;
mod version;

pub use constraint::{Constraint, ConstraintError};
pub use filter_set::FilterSet;
pub use minimum_age::MinimumAge;
pub use newest::{Newest, SelectionError};
pub use pattern::{PatternError, compile_pattern};
pub use selection::Selection;
pub use tag_extractor::TagExtractor;
pub use tag_order::{IncomparableTag, TagOrder, compare_tags};
pub use version::{Version, VersionError};
