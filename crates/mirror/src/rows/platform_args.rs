//! The options for platforms.

use clap::Args;
use copier::{NarrowedIndex, Options, Platform, PlatformSelection, Row};

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
        self.of_target(self.platforms.clone())
    }

    /// Returns the selection of a target's platforms; `None` for all.
    pub(crate) fn of_target(&self, platforms: Vec<Platform>) -> Option<PlatformSelection> {
        (!platforms.is_empty()).then_some(PlatformSelection {
            platforms,
            index: if self.sparse {
                NarrowedIndex::Sparse
            } else {
                NarrowedIndex::Rebuilt
            },
        })
    }
}

/// Warns of each selected platform that no image of a run has: most likely a typo.
pub(crate) fn warn_of_unused<'a>(options: &'a Options, rows: impl Iterator<Item = &'a Row>) {
    for platform in options.unused_platforms(rows) {
        tracing::warn!("the selected platform {platform} is in no image of this run");
    }
}
