//! `compare`, `lint` and `fmt`.

use clap::Args;

use super::MutableArgs;
use super::copying::NarrowArgs;
use crate::cli::environment::Environment;
use crate::cli::failure::Failure;
use crate::cli::key_value::Key;
use crate::cli::key_value::{Operand, Operands};
use crate::rows::select_args::SelectArgs;

/// The arguments of `compare`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mirror compare                                   rows that are missing or have drifted
  mirror compare --match '*etcd*' -v               same ones too
  mirror compare --output json --dest-registry registry.example.com

Where a lock stands beside the list, what it approves is what the mirror should have.")]
pub(crate) struct CompareArgs {
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    #[command(flatten)]
    pub(crate) narrow: NarrowArgs,
    #[command(flatten)]
    pub(crate) locked: MutableArgs,
}

/// The arguments of `lint`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mirror lint
  mirror lint --images-list images-list,images-list-daily --output json")]
pub(crate) struct LintArgs {
    #[command(flatten)]
    pub(crate) operands: ListOperands,
}

/// The arguments of `fmt`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mirror fmt           rewrite the list
  mirror fmt --check   only say what would change; exit 1 if anything would")]
pub(crate) struct FmtArgs {
    /// Write nothing; exit 1 if a list is not in form
    #[arg(long)]
    pub(crate) check: bool,
    #[command(flatten)]
    pub(crate) operands: ListOperands,
}

/// Operands of the commands that only need lists.
#[derive(Debug, Args)]
pub(crate) struct ListOperands {
    /// IMAGES_FILE=…: as the environment variable
    #[arg(value_name = "KEY=VALUE", help_heading = "Arguments")]
    operands: Vec<Operand>,
}

impl ListOperands {
    /// Lists, separated by commas; `--images-list` comes before it.
    ///
    /// # Errors
    ///
    /// [`Failure`] for operands without a use.
    pub(crate) fn images_file<'a>(
        &'a self,
        environment: &'a Environment,
    ) -> Result<Option<&'a str>, Failure> {
        let operands = Operands::new(&self.operands, &[Key::ImagesFile], environment)?;
        Ok(operands.value(None, Key::ImagesFile))
    }
}
