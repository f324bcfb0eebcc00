//! `mirror copy`: one image.

use copier::{MovedTag, Row};

use super::args::CopyArgs;
use super::copy_and_publish::copy_and_publish;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::rows::copying::engine::Work;
use crate::session::Session;

/// Runs the command.
///
/// # Errors
///
/// [`Failure`] where the copy could not be tried.
pub(crate) async fn copy(session: &Session, args: &CopyArgs) -> Result<Exit, Failure> {
    let row = Row {
        source: args.source.reference(None),
        destination: args.destination.reference(args.source.tag.as_ref()),
        approved: None,
    };
    let work = Work {
        title: "mirror copy",
        rows: vec![row],
        places: Vec::new(),
        other_rows: Vec::new(),
        shard: None,
        moved: MovedTag::Kept,
    };
    let (_, exit) = copy_and_publish(session, &args.copying, work).await?;
    Ok(exit)
}
