//! Running `mirror add-tag`.

use super::args::AddTagArgs;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::files::list_file;
use crate::registries::availability::AvailabilityChecker;
use crate::registries::signature_check::SignatureCheck;
use crate::rows::adding::{AddOptions, AddedReport, add};
use crate::session::Session;
use crate::terminal::github_actions;

/// Runs the command. Exits with 1 if an image was not added.
///
/// # Errors
///
/// [`Failure`] for a list that cannot be read or written, and for an invalid image or tag.
pub(crate) async fn run(session: &Session, args: &AddTagArgs) -> Result<Exit, Failure> {
    let (request, images_file) = args.request(&session.environment)?;
    let paths = list_file::paths(&session.common.images_list, images_file);
    list_file::refuse_stdin(&paths)?;
    let signatures = SignatureCheck::read(session, &paths)?;
    let checker = AvailabilityChecker::new(&session.common, &session.environment)?
        .with_signatures(signatures);
    let _waiting = session.progress_display.show_requests(checker.client());
    let options = AddOptions {
        keep_going: args.keep_going,
        skip_existing: args.skip_existing,
        dry_run: args.dry_run,
        sort: args.sort,
    };
    let stop = session.signals.listen()?;
    // `add` does not await while it writes, so an interrupt leaves all files written or none.
    let additions = tokio::select! {
        additions = Box::pin(add(session, &checker, options, &request, &paths)) => additions?,
        () = stop.cancelled() => return Err(Failure::interrupted("interrupted; nothing was written")),
    };
    for warning in &additions.outcome.warnings {
        tracing::warn!("{warning}");
    }
    let report = AddedReport {
        additions: &additions,
        command: "add-tag",
    };
    github_actions::add_to_step_summary(session.environment.github.as_ref(), &report.summary());
    let problems = additions.outcome.problems.iter();
    let messages = problems.map(|found| format!("{}: {}", found.image, found.problem));
    github_actions::annotate_messages(session.environment.github.as_ref(), messages);
    let exit = additions.outcome.exit();
    session
        .output
        .write_outcome(&report, &report.document(), exit)?;
    Ok(exit)
}
