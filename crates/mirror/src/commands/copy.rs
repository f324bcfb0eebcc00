//! `mirror copy`: one image.

use copier::{MovedTag, Row};

use crate::args::CopyArgs;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::rows::copying::engine::{self, Work};
use crate::session::Session;

/// Runs the command.
///
/// # Errors
///
/// [`Failure`] where the copy could not be tried.
pub(super) async fn run(session: &Session, args: &CopyArgs) -> Result<Exit, Failure> {
    let row = Row {
        source: args.source.reference(None),
        destination: args.destination.reference(args.source.tag.as_ref()),
        approved: None,
    };
    let work = Work {
        title: "mirror copy",
        rows: vec![row],
        places: Vec::new(),
        neighbours: Vec::new(),
        shard: None,
        moved: MovedTag::Kept,
    };
    let (_, exit) = engine::copy(session, &args.copying, work).await?;
    Ok(exit)
}
