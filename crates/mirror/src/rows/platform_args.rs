//! The options for platforms.

use clap::Args;
use copier::{NarrowedIndex, Platform, PlatformSelection};

/// The options for platforms.
#[derive(Debug, Clone, Args)]
pub(crate) struct PlatformArgs {
    /// Platforms to copy, such as linux/amd64, arm64, windows/amd64:10.0.20348
    ///
    /// The index is rebuilt from the selected manifests and has a new digest.
    #[arg(long = "platform", value_name = "PLATFORM", value_delimiter = ',')]
    platforms: Vec<Platform>,
    /// With --platform: keep the index and its digest, without the other children
    ///
    /// Later runs without --sparse count such an index as unchanged, except with --check-children.
    #[arg(long, requires = "platforms")]
    sparse: bool,
    /// Also copy the tags TAG-ARCH: TAG-amd64, TAG-arm64, …
    #[arg(long)]
    pub(crate) arch_tags: bool,
}

impl PlatformArgs {
    /// Returns the platforms to copy; `None` for all.
    pub(crate) fn selection(&self) -> Option<PlatformSelection> {
        (!self.platforms.is_empty()).then(|| PlatformSelection {
            platforms: self.platforms.clone(),
            index: if self.sparse {
                NarrowedIndex::Sparse
            } else {
                NarrowedIndex::Rebuilt
            },
        })
    }
}
