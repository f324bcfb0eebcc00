//! Controllers of objects.

/// The controller of an object: the owner that creates and replaces it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Controller {
    /// The kind, such as `ReplicaSet`.
    pub kind: String,
    /// The name.
    pub name: String,
}
