//! The option for foreign layers.

use clap::Args;
use copier::ForeignLayers;

/// The option for foreign layers.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ForeignLayersArgs {
    /// Also copy foreign layers, from the URLs of their publisher
    ///
    /// Base layers of Windows images may be foreign, and their license may forbid copies. They are fetched over
    /// https from public addresses, from other hosts only if --insecure names them. Without the option they
    /// are left out, with a warning.
    #[arg(long)]
    foreign_layers: bool,
}

impl ForeignLayersArgs {
    /// Returns the treatment of foreign layers.
    pub(crate) fn treatment(&self) -> ForeignLayers {
        match self.foreign_layers {
            true => ForeignLayers::FromPublisher,
            false => ForeignLayers::Left,
        }
    }
}
