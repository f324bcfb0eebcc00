//! The fields of one configuration entry: reading, checking and their types.
//!
//! Pure. `strict_json` parses the JSON, `entry_fields` reads an entry with the position of every value,
//! and `entry_parts` converts the fields into types that cannot hold invalid values.

mod charts;
mod entry_fields;
mod entry_parts;
mod follow;
mod latest_fields;
mod names;
mod review;
mod source_kind;

pub use charts::{Chart, ChartConfig, EntryImage, HelmCharts, ImageRules};
pub(crate) use entry_fields::EntryFields;
#[cfg(test)]
pub(crate) use entry_fields::Level;
pub(crate) use entry_parts::EntryParts;
pub use follow::Follow;
pub(crate) use names::{check_chart_name, check_oci_chart_name, parse_gitlab_project, parse_url};
pub use review::Review;
pub(crate) use source_kind::{ChartRules, KeyUse, SourceKind};
pub use strict_json::JsonProblem as ConfigProblem;
