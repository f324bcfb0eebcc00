//! The arguments of `demo`.

use clap::Args;

/// The arguments of `demo`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mirror demo
  mirror demo --keep    leave the list and the report to look at")]
pub(crate) struct DemoArgs {
    /// Keep the folder with the list and the report
    #[arg(long)]
    pub(crate) keep: bool,
}
