//! Running `mirror images`.

use std::path::PathBuf;

use extraction::{NeedRules, NeededImage};
use registry_client::Client;
use tag_retrieval::image_sources::TextOptions;
use tokio::time::timeout;

use super::additions;
use super::args::ImagesArgs;
use super::listed::ListedImages;
use super::reading::{Readable, Sources, prepare};
use super::report::{ImagesReport, Layout};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::key_value::Key;
use crate::files::list_file;
use crate::files::targets_file;
use crate::registries::client;
use crate::registries::upstreams::{Programs, RunUpstreams};
use crate::rows::adding::Additions;
use crate::rows::selection;
use crate::session::Session;
use crate::terminal::output;

/// Runs the command. Exits with 1 if a part of a source could not be read, if the list lacks an image
/// (`--check`), or if an image was not added (`--add`); with 4 if only refused credentials are the reason.
///
/// # Errors
///
/// [`Failure`] for sources that do not exist, and for lists that cannot be read or written.
pub(crate) async fn run(session: &Session, args: &ImagesArgs) -> Result<Exit, Failure> {
    let uses_list = args.check || args.add;
    let paths = list_file::paths(
        &session.common.images_list,
        session.environment.key_value(Key::ImagesFile.name()),
    );
    if args.add {
        list_file::refuse_stdin(&paths)?;
        additions::check(session, args, &paths)?;
    }
    let listed = match uses_list {
        true => Some(listed_images(session, &paths)?),
        false => None,
    };
    let (readable, options) = prepare(args)?;
    let client = client::build(&session.common, &session.environment)?;
    let waiting = session.progress_display.show_requests(&client);
    let upstreams = RunUpstreams::new(
        session,
        client.clone(),
        None,
        args.deadline,
        Programs::Needed,
    )?;
    let stop = session.signals.listen()?;
    let reading = read_sources(args, (&readable, &options), (&upstreams, &client));
    let sources = tokio::select! {
        sources = Box::pin(reading) => sources,
        () = stop.cancelled() => return Err(Failure::interrupted("interrupted; nothing was written")),
    };
    drop(waiting);
    let layout = Layout {
        names: args.names,
        all_places: session.is_verbose(),
    };
    let mut report = ImagesReport::new(&sources, args.suspects, layout);
    let mut exit = report.exit();
    let mut added = None;
    if let Some(listed) = &listed {
        let missing = mark_listed(&mut report, &sources, listed);
        if args.check {
            exit = exit.with(Exit::from_findings(!missing.is_empty()));
        }
        if args.add && !missing.is_empty() {
            // A result that is incomplete may lack the image that others need, but adds none too many.
            let adding = additions::add_images(session, args, (&missing, listed), &paths);
            let (additions, outcome) = tokio::select! {
                additions = Box::pin(adding) => additions?,
                () = stop.cancelled() => return Err(Failure::interrupted("interrupted; nothing was written")),
            };
            exit = exit.with(outcome);
            added = Some(additions);
        }
    }
    publish(session, &report, added.as_ref(), exit)?;
    Ok(exit)
}

/// Reads all sources until the deadline.
async fn read_sources(
    args: &ImagesArgs,
    (readable, options): (&[Readable], &TextOptions),
    clients: (&RunUpstreams, &Client),
) -> Sources {
    let rules = NeedRules {
        include_tests: args.tests,
        only_rendered: args.rendered,
    };
    let mut sources = Sources::default();
    let reading = async {
        for source in readable {
            Box::pin(sources.read(source, options, clients, rules)).await;
        }
    };
    if timeout(args.deadline, Box::pin(reading)).await.is_err() {
        let seconds = args.deadline.as_secs();
        let problem = format!(
            "not all sources were read within the deadline of {seconds} s: raise --deadline"
        );
        sources.problems.push(problem.into());
    }
    sources
}

fn listed_images(session: &Session, paths: &[PathBuf]) -> Result<ListedImages, Failure> {
    let targets = targets_file::require_valid(&session.common, paths)?;
    let lists = list_file::read_all(paths, &targets)?;
    selection::refuse_invalid_rows(session, &lists)?;
    ListedImages::new(&lists)
}

/// Sets the locations of listed images in the report, and returns the images that the lists lack.
fn mark_listed<'a>(
    report: &mut ImagesReport,
    sources: &'a Sources,
    listed: &ListedImages,
) -> Vec<&'a NeededImage> {
    let mut missing = Vec::new();
    for (item, image) in report.images.iter_mut().zip(sources.images.needed()) {
        match listed.location(image) {
            Some(location) => item.listed = Some(location.to_owned()),
            None => missing.push(image),
        }
    }
    report.missing = Some(missing.len());
    missing
}

/// Writes the images to stdout, and everything else to stderr.
fn publish(
    session: &Session,
    report: &ImagesReport,
    added: Option<&Additions>,
    exit: Exit,
) -> Result<(), Failure> {
    session.output.write_outcome(report, report, exit)?;
    for note in report.notes() {
        tracing::info!("{note}");
    }
    for problem in report.problems() {
        tracing::error!("{problem}");
    }
    if !session.common.quiet {
        output::notice(&format!("{}\n", report.totals()));
    }
    if let Some(added) = added {
        additions::report(added);
    }
    Ok(())
}
