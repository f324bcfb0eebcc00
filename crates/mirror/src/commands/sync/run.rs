//! Running `mirror sync`.

use copier::{MovedTag, Options};

use super::args::{CopyingArgs, SyncArgs};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::files::list_file::ListFile;
use crate::registries::client::{self, ClientLimits};
use crate::rows::approvals::Approvals;
use crate::rows::arch_tags;
use crate::rows::copying::engine::{CopyRequest, copy_rows};
use crate::rows::copying::publish::publish;
use crate::rows::copying::report::RunReport;
use crate::rows::copying::run::CopyRun;
use crate::rows::followed::Explanation;
use crate::rows::max_pulls;
use crate::rows::platform_args;
use crate::rows::selection;
use crate::rows::target_settings;
use crate::session::Session;
use crate::terminal::github_actions::{self, Level};
use crate::terminal::logging;
use crate::terminal::output;

/// The title of the step summary.
const TITLE: &str = "mirror sync";

/// Runs `mirror sync`: copies the selected rows of the list.
///
/// # Errors
///
/// [`Failure`] if the run cannot start.
pub(crate) async fn sync(session: &Session, args: &SyncArgs) -> Result<Exit, Failure> {
    args.copying.report.begin()?;
    let select = &args.select;
    let limits = ClientLimits {
        hosts: target_settings::host_limits(&*selection::targets(session, select)?),
        ..args.copying.limits()
    };
    let signatures = select.signatures(session)?;
    let client = client::build_with(&session.common, &session.environment, limits)?;
    let mut selection = selection::select_with_followed(session, select, &client).await?;
    if args.explain {
        output::notice(&Explanation(&selection.followed).to_string());
    }
    if args.copying.platform.arch_tags {
        arch_tags::refuse_conflicts(&selection)?;
    }
    let mutable = selection.mutable(&args.locked, args.select.empty)?;
    let mut lists = std::mem::take(&mut selection.lists);
    let copying = &args.copying;
    target_settings::apply(&mut selection.rows, &copying.platform, copying.no_referrers);
    let mut approvals = Approvals::read(&lists, mutable)?;
    let mut unlocked = Vec::new();
    if args.require_locked {
        approvals.require(&selection.rows)?;
        unlocked = approvals.take_unlocked_followed(&mut selection.rows);
    } else if !args.no_lock && !args.copying.dry_run {
        approvals.prepare_new_lock(&lists, &selection.rows)?;
    }
    approvals.apply(&mut selection.rows)?;
    lists.iter_mut().for_each(ListFile::drop_lines);
    let moved = if args.require_locked {
        MovedTag::Refused
    } else {
        MovedTag::Kept
    };
    let mut approved = selection.rows.iter().map(|row| row.row.approved_digest());
    if args.trust_lock && approved.all(|digest| digest.is_none()) {
        tracing::warn!("--trust-lock has no effect: no selected row is locked");
    }
    let request = CopyRequest {
        trust_lock: args.trust_lock,
        unlocked,
        signatures,
        ..CopyRequest::new(selection, moved, client)
    };
    let run = run_copy(session, copying, request).await?;
    let recorded = match copying.dry_run {
        true => Ok(()),
        false => approvals.record(&lists, &run).await,
    };
    let exit = publish_run(session, TITLE, copying, run)?;
    // The result is already printed, so an error of the lock is logged.
    Ok(match recorded {
        Ok(()) => exit,
        Err(failure) => {
            let failure = failure.after_requests();
            logging::report(&failure, session.common.log_format);
            exit.max(failure.exit)
        }
    })
}

/// Copies rows.
///
/// # Errors
///
/// [`Failure`] if the run cannot start.
pub(super) async fn run_copy(
    session: &Session,
    args: &CopyingArgs,
    request: CopyRequest,
) -> Result<CopyRun, Failure> {
    let options = Options {
        platforms: args.platform.selection(),
        arch_tags: args.platform.arch_tags,
        referrers: !args.no_referrers,
        foreign_layers: args.foreign_layers.treatment(),
        overwrite_signatures: args.overwrite_signatures,
        dry_run: args.dry_run,
        check_children: args.check_children,
        grace: args.grace,
        row_timeout: args.row_timeout,
        ..Options::default()
    };
    max_pulls::warn_of_unused(&args.max_pulls, &request.client, &request.rows);
    let run = copy_rows(session, &options, request).await?;
    platform_args::warn_of_unused(&options, run.rows.iter().map(|copied| &copied.row.row));
    Ok(run)
}

/// Publishes the report on stdout, in its file and in GitHub Actions.
///
/// # Errors
///
/// [`Failure`] if the result cannot be written.
pub(super) fn publish_run(
    session: &Session,
    title: &'static str,
    args: &CopyingArgs,
    run: CopyRun,
) -> Result<Exit, Failure> {
    let github = session.environment.github.as_ref();
    github_actions::annotate(github, Level::Error, &run.findings());
    github_actions::annotate(github, Level::Warning, &run.warnings());
    publish(session, title, &args.report, &RunReport::consume(run))
}
