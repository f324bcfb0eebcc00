//! The platforms of an index that are copied.

use std::fmt;

use crate::platform::Platform;

/// The platforms of an index that are copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformSelection {
    /// The platforms. A row fails if its image has none of them.
    pub platforms: Vec<Platform>,
    /// The treatment of the index.
    pub index: NarrowedIndex,
}

/// The treatment of an index of which some platforms are copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NarrowedIndex {
    /// A new index with the selected descriptors, and so with a new digest.
    Rebuilt,
    /// The same bytes and digest; the other children are missing.
    Sparse,
}

impl fmt::Display for PlatformSelection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, platform) in self.platforms.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{platform}")?;
        }
        Ok(())
    }
}
