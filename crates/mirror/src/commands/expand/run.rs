//! Running `mirror expand`.

use clap::Args;

use super::report::ExpandedRows;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::registries::client;
use crate::rows::followed::Explanation;
use crate::rows::select_args::SelectArgs;
use crate::rows::selection;
use crate::session::Session;
use crate::terminal::github_actions::{self, Level};
use crate::terminal::output;

/// The arguments of `expand`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mirror expand                                  print the rows that mirror sync would copy
  mirror expand --followed --explain             print only those of followed entries, and why
  mirror expand --followed >> images-list        move followed tags to the list

Version sources are queried. Images are not, and nothing is copied or written.")]
pub(crate) struct ExpandArgs {
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    /// Print only the rows of followed entries
    #[arg(long, help_heading = "Rows")]
    pub(crate) followed: bool,
    /// Print why each version of followed entries is mirrored or not, on standard error
    #[arg(long, help_heading = "Rows")]
    pub(crate) explain: bool,
}

/// Runs the command. Exits with 1 if a followed entry failed.
///
/// # Errors
///
/// [`Failure`] for lists and configurations that cannot be read.
pub(crate) async fn run(session: &Session, args: &ExpandArgs) -> Result<Exit, Failure> {
    let client = client::build(&session.common, &session.environment)?;
    let selection = selection::select_with_followed(session, &args.select, &client).await?;
    if args.explain {
        output::notice(&Explanation(&selection.followed).to_string());
    }
    let findings = selection.entry_findings();
    for finding in &findings {
        tracing::error!("{finding}");
    }
    let github = session.environment.github.as_ref();
    github_actions::annotate(github, Level::Error, &findings);
    let is_narrowed = args.select.narrows_destinations(&session.environment)?;
    let rows = ExpandedRows::new(&selection, args.followed, is_narrowed)?;
    session.output.write(&rows, &rows)?;
    Ok(Exit::from_findings(!findings.is_empty()))
}
