//! The options for mutable tags and for selections without a row.

use clap::Args;
use images_list::Row;

use super::globs::Globs;
use crate::cli::failure::Failure;
use crate::files::list_file::{self, ListFile};

/// The option for mutable tags.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Lock")]
pub(crate) struct MutableArgs {
    /// Rows whose tags may change, such as `*:latest`
    ///
    /// They are copied at their current digest, which the lock records. Patterns as for --match.
    #[arg(long, value_name = "GLOB")]
    mutable: Vec<String>,
}

/// The option for selections without a row.
#[derive(Debug, Clone, Copy, Default, Args)]
pub(crate) struct AllowEmptyArgs {
    /// Exit 0 if the list has no row or patterns match none [default: exit 2]
    #[arg(long = "allow-empty")]
    pub(crate) is_allowed: bool,
}

impl MutableArgs {
    /// Returns the patterns of rows with mutable tags.
    ///
    /// # Errors
    ///
    /// [`Failure`] for an invalid pattern, and for patterns that match no row of the lists
    /// or of followed entries.
    pub(crate) fn mutable(
        &self,
        lists: &[ListFile],
        followed: &[Row],
        empty: AllowEmptyArgs,
    ) -> Result<Globs, Failure> {
        let globs = Globs::parse("--mutable", &self.mutable)?;
        let globs = globs.with_targets(list_file::targets_of(lists));
        if !empty.is_allowed {
            globs.require_a_row(lists, followed)?;
        }
        Ok(globs)
    }
}
