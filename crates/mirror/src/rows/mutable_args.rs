//! The option that names mutable tags.

use clap::Args;

use crate::cli::failure::Failure;
use crate::rows::selection::Globs;

/// Which rows a lock does not hold.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Lock")]
pub(crate) struct MutableArgs {
    /// Tags that may change, such as `*:latest`: followed wherever they point, and noted in the
    /// lock; patterns as for --match
    #[arg(long, value_name = "GLOB", value_delimiter = ',')]
    mutable: Vec<String>,
}

impl MutableArgs {
    /// The rows that are followed; none where nobody names any.
    ///
    /// # Errors
    ///
    /// [`Failure`] for what is no pattern.
    pub(crate) fn mutable(&self) -> Result<Globs, Failure> {
        Globs::parse_some("--mutable", &self.mutable)
    }
}
