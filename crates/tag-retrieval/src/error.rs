//! Why an entry has no result.

/// Why an entry has no result. Says what failed, where and what to do.
#[derive(Debug, thiserror::Error)]
pub enum RetrievalError {
    /// The source has nothing to choose from.
    #[error("{place} {what}")]
    Nothing {
        /// Such as `quay.io/coreos/etcd`.
        place: String,
        /// Such as `has no tags`.
        what: String,
    },
    /// A registry refused or failed.
    #[error(transparent)]
    Registry(#[from] registry::Error),
}
