//! What one entry's source came back with.

use crate::candidate::{Candidate, Origin};

/// What was found, what was passed over and why, and what went wrong without spoiling the result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retrieved {
    /// What the filters left.
    pub found: Found,
    /// What they did not; what only its age or a newer version dropped comes last.
    pub dropped: Vec<Dropped>,
    /// For the log: a tag without the file, a version that cannot be compared.
    pub warnings: Vec<String>,
    /// What is missing in the result though it stands, such as a chart that does not render while
    /// others do: the entry counts as failed.
    pub failures: Vec<String>,
}

/// What the filters left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Versions for every image of the entry.
    Versions(Vec<Candidate>),
    /// Images with their tags.
    Images(Vec<FoundImage>),
}

/// An image with its tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundImage {
    /// The repository as it was found, `docker.io/` and `index.docker.io/` stripped.
    pub image: String,
    /// The tag.
    pub tag: String,
    /// Where it was found; the best evidence where there is more than one.
    pub origin: Origin,
}

/// A candidate that is not proposed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// A tag, or an image with its tag.
    pub what: String,
    /// Why, such as `versionConstraint ">=1.4.0"`.
    pub reason: String,
}
