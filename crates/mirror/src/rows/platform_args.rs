//! The options that narrow images to platforms.

use clap::Args;
use copier::{NarrowedIndex, Platform, PlatformSelection};

/// Which platforms.
#[derive(Debug, Clone, Args)]
pub(crate) struct PlatformArgs {
    /// Only these platforms: linux/amd64, arm64, windows/amd64:10.0.20348; the index is rebuilt
    /// and has a new digest
    #[arg(long = "platform", value_name = "PLATFORM", value_delimiter = ',')]
    platforms: Vec<Platform>,
    /// With --platform: keep the index and its digest, its other children missing
    #[arg(long, requires = "platforms")]
    sparse: bool,
    /// Also the TAG-ARCH tags: TAG-amd64, TAG-arm64, …
    #[arg(long)]
    pub(crate) arch_tags: bool,
}

impl PlatformArgs {
    /// The platforms to copy; `None` is all.
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
