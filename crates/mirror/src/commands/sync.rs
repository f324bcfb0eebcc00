//! `mirror sync`: bring every destination up to its row.

use crate::args::SyncArgs;
use crate::engine::{self, Work};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::selection;
use crate::session::Session;

/// Runs the command.
///
/// # Errors
///
/// [`Failure`] where no row could be tried.
pub(super) async fn run(session: &Session, args: &SyncArgs) -> Result<Exit, Failure> {
    let selection = selection::select(session, &args.select).await?;
    if selection.rows.is_empty() {
        tracing::warn!("no row is selected: nothing to do");
    }
    let work = Work {
        title: "mirror sync",
        rows: selection.rows,
        places: selection.places,
        neighbours: selection.neighbours,
    };
    engine::copy(session, &args.copying, work).await
}
