//! Running `mirror sync` and `mirror copy`.

use std::sync::Arc;

use copier::{MovedTag, Options, Row};
use image_name::ManifestReference;
use oci_spec::distribution::Reference;

use super::args::{CopyArgs, CopyingArgs, SyncArgs};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::files::list_file;
use crate::registries::client::{self, ClientLimits};
use crate::registries::signature_check::SignatureCheck;
use crate::rows::approvals::Approvals;
use crate::rows::arch_tags;
use crate::rows::copying::engine::{CopyRequest, copy_rows};
use crate::rows::copying::publish::publish;
use crate::rows::copying::report::RunReport;
use crate::rows::copying::run::CopyRun;
use crate::rows::followed::Explanation;
use crate::rows::max_pulls;
use crate::rows::platform_args;
use crate::rows::selection::{self, RunRow};
use crate::rows::target_settings;
use crate::session::Session;
use crate::terminal::github_actions::{self, Level};
use crate::terminal::logging;
use crate::terminal::output;

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
    let lists = std::mem::take(&mut selection.lists);
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
    let moved = if args.require_locked {
        MovedTag::Refused
    } else {
        MovedTag::Kept
    };
    if args.trust_lock
        && selection
            .rows
            .iter()
            .all(|row| row.row.approved_digest().is_none())
    {
        tracing::warn!("--trust-lock has no effect: no selected row is locked");
    }
    let request = CopyRequest {
        trust_lock: args.trust_lock,
        unlocked,
        signatures,
        ..CopyRequest::new("mirror sync", selection, moved, client)
    };
    let (run, exit) = copy_and_publish(session, &args.copying, request).await?;
    if args.copying.dry_run {
        return Ok(exit);
    }
    // The result is already printed, so an error of the lock is logged.
    Ok(match approvals.record(&lists, &run).await {
        Ok(()) => exit,
        Err(failure) => {
            let failure = failure.after_requests();
            logging::report(&failure, session.common.log_format);
            exit.max(failure.exit)
        }
    })
}

/// Runs `mirror copy`: copies one image.
///
/// # Errors
///
/// [`Failure`] if the run cannot start.
pub(crate) async fn copy(session: &Session, args: &CopyArgs) -> Result<Exit, Failure> {
    args.copying.report.begin()?;
    let row = Row::new(args.source.reference(None), copy_destination(args)?);
    let limits = args.copying.limits();
    let lists = list_file::paths(&session.common.images_list, None);
    let signatures = SignatureCheck::read(session, &lists)?;
    let client = client::build_with(&session.common, &session.environment, limits)?;
    let request = CopyRequest {
        title: "mirror copy",
        unlocked: Vec::new(),
        entries: Vec::new(),
        entry_findings: Vec::new(),
        tag_lists: Arc::default(),
        rows: vec![RunRow {
            row,
            target: None,
            listed: None,
        }],
        other_rows: Vec::new(),
        shard: None,
        moved: MovedTag::Kept,
        trust_lock: false,
        signatures,
        client,
    };
    let (_, exit) = copy_and_publish(session, &args.copying, request).await?;
    Ok(exit)
}

/// Returns the destination of `mirror copy`: with its own tag or digest, else with the tag of the
/// source, else with its digest.
///
/// # Errors
///
/// [`Failure`] for a tag with a digest that the source does not have: it would not be the digest of what
/// is copied.
fn copy_destination(args: &CopyArgs) -> Result<Reference, Failure> {
    let (source, destination) = (&args.source, &args.destination);
    let repository = &destination.repository;
    match (&destination.tag, &destination.digest) {
        (Some(tag), Some(digest)) if source.digest.as_ref() == Some(digest) => {
            Ok(repository.reference(&tag.into()))
        }
        (Some(tag), Some(digest)) => Err(Failure::unusable(format!(
            "the destination {repository}:{tag}@{digest} has a digest that the source does not name"
        ))
        .hint(format!(
            "name the digest in the source: `mirror copy {}@{digest} {repository}:{tag}`",
            source.repository
        ))),
        _ => {
            let tag = source.tag.as_ref().map(ManifestReference::from);
            Ok(destination.reference(tag.or_else(|| source.manifest()).as_ref()))
        }
    }
}

/// Copies rows, and publishes the report on stdout, in its file and in GitHub Actions.
///
/// # Errors
///
/// [`Failure`] if the run cannot start, or the result cannot be written.
async fn copy_and_publish(
    session: &Session,
    args: &CopyingArgs,
    request: CopyRequest,
) -> Result<(CopyRun, Exit), Failure> {
    let title = request.title;
    let options = Options {
        platforms: args.platform.selection(),
        arch_tags: args.platform.arch_tags,
        referrers: !args.no_referrers,
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
    let github = session.environment.github.as_ref();
    github_actions::annotate(github, Level::Error, &run.findings());
    github_actions::annotate(github, Level::Warning, &run.warnings());
    let exit = publish(session, title, &args.report, &RunReport::new(&run))?;
    Ok((run, exit))
}
