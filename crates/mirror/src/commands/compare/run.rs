//! `mirror compare`: is the mirror what the list says?

use std::sync::Arc;

use copier::{CompareReport, CompareStatus, Options, Progress, Row};

use super::args::CompareArgs;
use super::report::{ComparedJson, ComparedText};
use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, Finding};
use crate::registries::client;
use crate::rows::approvals::Approvals;
use crate::rows::copying::run::Ending;
use crate::rows::selection::{self, Selection};
use crate::session::Session;
use crate::terminal::github_actions::{self, Level};
use crate::terminal::hints;

/// Runs the command: exit 1 where a row is not the same.
///
/// # Errors
///
/// [`Failure`] where no row could be compared.
pub(crate) async fn run(session: &Session, args: &CompareArgs) -> Result<Exit, Failure> {
    let mut selection = selection::select(session, &args.select).await?;
    Approvals::read(&selection.lists, args.locked.mutable()?)?.enter(&mut selection);
    let options = Options {
        platforms: args.platform.selection(),
        arch_tags: args.platform.arch_tags,
        ..Options::default()
    };
    let (report, ending) = compare(session, &selection.rows, &options).await?;
    let github = session.environment.github.as_ref();
    github_actions::annotate(github, Level::Error, &findings(&selection, &report));
    let text = ComparedText::of(&selection.rows, &report, session.is_verbose());
    let text = text.shard(selection.shard);
    github_actions::add_to_step_summary(
        github,
        &format!("### mirror compare\n\n```\n{}```\n\n", text.brief()),
    );
    let document = ComparedJson::of(&selection.rows, &report, selection.shard);
    session.output.write(&text, &document)?;
    Ok(match ending {
        Ending::Interrupted => Exit::Interrupted,
        Ending::Complete => exit(&report),
    })
}

/// Compares rows, with progress on the screen and an ear for signals.
///
/// # Errors
///
/// [`Failure`] where no row could be compared.
pub(crate) async fn compare(
    session: &Session,
    rows: &[Row],
    options: &Options,
) -> Result<(CompareReport, Ending), Failure> {
    let client = client::build(&session.common, &session.environment)?;
    let stop = session.signals.listen()?;
    let progress = Arc::new(Progress::default());
    let shown = session.screen.show(rows.len(), &progress);
    let watching = session.status_signal.watch(rows.len(), &progress, &client);
    let report = Box::pin(copier::compare(&client, rows, options, &progress, &stop)).await;
    drop((shown, watching));
    let ending = Ending::of(&stop);
    Ok((report, ending))
}

/// Where every row that is not the same is refused credentials, that is what
/// it is about.
fn exit(report: &CompareReport) -> Exit {
    let different = report
        .rows
        .iter()
        .filter(|row| row.status != CompareStatus::Same);
    let refused = different.clone().filter(|row| {
        let wire = row.error.as_ref().and_then(|error| error.wire());
        wire.is_some_and(registry_client::Error::is_refused)
    });
    match (different.count(), refused.count()) {
        (0, _) => Exit::Done,
        (different, refused) if different == refused => Exit::Refused,
        _ => Exit::Failed,
    }
}

fn findings(selection: &Selection, report: &CompareReport) -> Vec<Finding> {
    let rows = selection
        .rows
        .iter()
        .zip(&report.rows)
        .zip(&selection.places);
    rows.filter_map(|((row, compared), place)| {
        let message = match compared.status {
            CompareStatus::Same | CompareStatus::Skipped => return None,
            CompareStatus::Drift => format!("{} is not what {} is", row.destination, row.source),
            CompareStatus::Missing => format!("{} is missing, or not whole", row.destination),
            CompareStatus::Error => {
                let error = compared.error.as_ref()?;
                let hint = hints::of_comparison(row, error).map(|hint| format!(" ({hint})"));
                format!("{}: {error}{}", row.source, hint.unwrap_or_default())
            }
        };
        Some(Finding {
            file: place.file.clone(),
            line: place.line,
            message,
        })
    })
    .collect()
}
