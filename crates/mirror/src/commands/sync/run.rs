//! `mirror sync`: bring every destination up to its row.

use copier::MovedTag;

use super::args::SyncArgs;
use super::copy_and_publish::copy_and_publish;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::rows::approvals::Approvals;
use crate::rows::copying::engine::Work;
use crate::rows::selection;
use crate::session::Session;
use crate::terminal::logging;

/// Runs the command.
///
/// # Errors
///
/// [`Failure`] where no row could be tried.
pub(crate) async fn sync(session: &Session, args: &SyncArgs) -> Result<Exit, Failure> {
    let mut selection = selection::select(session, &args.select).await?;
    let approvals = Approvals::read(&selection.lists, args.locked.mutable()?)?;
    if args.require_locked {
        approvals.require(&selection)?;
    }
    approvals.enter(&mut selection);
    let work = Work {
        title: "mirror sync",
        rows: selection.rows,
        places: selection.places,
        other_rows: selection.other_rows,
        shard: selection.shard,
        moved: if args.require_locked {
            MovedTag::Refused
        } else {
            MovedTag::Kept
        },
    };
    let (run, exit) = copy_and_publish(session, &args.copying, work).await?;
    if args.copying.dry_run {
        return Ok(exit);
    }
    let recorded = approvals.record(&selection.lists, &selection.listed, &run);
    // After the result, of which there must be one.
    Ok(match recorded.await {
        Ok(()) => exit,
        Err(failure) => {
            logging::report(&failure, session.common.log_format);
            exit.max(failure.exit)
        }
    })
}
