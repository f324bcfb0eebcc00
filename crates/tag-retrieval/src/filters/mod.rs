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
mod tag_order;
mod tag_template;
mod version;
mod version_extractor;

pub use constraint::{Constraint, ConstraintError};
pub use filter_set::{FilterSet, TagForm};
pub use minimum_age::MinimumAge;
pub use newest::{Newest, SelectionError};
pub use pattern::{PatternError, compile_pattern};
pub use selection::Selection;
pub(crate) use selection::drop_counts;
pub use tag_order::{IncomparableTag, TagOrder, compare_tags};
pub use tag_template::{TagTemplate, TemplateError};
pub use version::{Version, VersionError};
pub use version_extractor::{Extracted, VersionExtractor};
