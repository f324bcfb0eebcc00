//! The changes that a run made through vendors' APIs.

/// The repositories that a run changed through vendors' APIs, as `HOST/NAME`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VendorChanges {
    /// Repositories and projects that were created.
    pub created: Vec<String>,
    /// Repositories whose description was set.
    pub described: Vec<String>,
}
