//! The filters of an entry, together.

use regex::Regex;

/// The filters of an entry, together.
#[derive(Debug, Clone, Default)]
pub struct Filters {
    /// `versionFilter`: searched in the whole tag.
    pub pattern: Option<Regex>,
    /// `exclude`: tags never proposed, searched like `versionFilter`.
    pub exclude: Option<Regex>,
}
