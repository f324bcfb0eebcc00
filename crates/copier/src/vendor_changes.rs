//! The changes of a run at the APIs of vendors.

/// The repositories that a run has changed at vendors' APIs, as `HOST/NAME`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VendorChanges {
    /// Repositories and projects that were created.
    pub created: Vec<String>,
    /// Repositories whose description was set.
    pub described: Vec<String>,
}
