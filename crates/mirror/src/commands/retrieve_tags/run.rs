//! Running `mirror retrieve-tags`.

use std::path::PathBuf;
use std::sync::Arc;

use copier::Progress;
use tag_retrieval::config::Entry;
use tag_retrieval::{Limits, NewTags, NotNewReason, Organization, Outcome, retrieve};
use tokio_util::sync::CancellationToken;

use super::apply::apply;
use super::args::RetrieveTagsArgs;
use super::known::KnownRows;
use super::open::{ProposeOptions, open_prs, propose_options};
use super::pull_requests::Mode;
use super::report::{Explanation, named, retrieved_json, retrieved_summary, sums};
use super::retrieval::{EntryState, Retrieval};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::files::config_file::{self, ConfigFile};
use crate::files::list_file::{self, ListFile};
use crate::files::targets_file;
use crate::registries::client;
use crate::registries::upstreams::{Programs, RunUpstreams};
use crate::rows::selection;
use crate::session::Session;
use crate::terminal::github_actions::{self, Level};
use crate::terminal::logging;
use crate::terminal::output;

/// Runs the command. Exits with 1 if an entry failed, or a new version was not added or proposed.
///
/// # Errors
///
/// [`Failure`] for a configuration or lists that cannot be read.
pub(crate) async fn run(session: &Session, args: &RetrieveTagsArgs) -> Result<Exit, Failure> {
    if args.dry_run && !args.apply && !args.open_prs {
        let message = "--dry-run requires --apply or --open-prs";
        return Err(Failure::unusable(message)
            .hint("add --apply or --open-prs, or remove --dry-run".to_owned()));
    }
    let images_file = args.lists.images_file(&session.environment)?;
    let config = config_file::require(&session.common)?;
    let entries = selected(&config, &args.entries)?;
    let paths = list_file::paths(&session.common.images_list, images_file);
    if args.apply || args.open_prs {
        list_file::refuse_stdin(&paths)?;
    }
    let targets = targets_file::require_valid(&session.common, &paths)?;
    let lists = list_file::read_all(&paths, &targets)?;
    selection::refuse_invalid_rows(session, &lists)?;
    let stop = session.signals.listen()?;
    let client = client::build(&session.common, &session.environment)?;
    let upstreams = RunUpstreams::new(
        session,
        client,
        own_org(args),
        args.deadline,
        Programs::Needed,
    )?;
    let retrieving = Box::pin(retrieve_entries(
        session,
        args,
        &upstreams,
        &config.name,
        &entries,
        &lists,
    ));
    let (retrieval, options) = run_until_stopped(&stop, retrieving).await?;
    publish(session, args, &retrieval)?;
    let failed = Exit::from_findings(!retrieval.findings().is_empty());
    let writing = Box::pin(apply_or_propose(
        session,
        args,
        &retrieval,
        options.as_ref(),
        &lists,
        &paths,
    ));
    // The result is already printed, so an error is logged.
    let done = run_until_stopped(&stop, writing)
        .await
        .unwrap_or_else(|failure| {
            let failure = failure.after_requests();
            logging::report(&failure, session.common.log_format);
            failure.exit
        });
    Ok(failed.max(done))
}

/// Waits until the work ends or a signal stops it. No write spans an await, so a write is complete
/// or not started.
async fn run_until_stopped<T>(
    stop: &CancellationToken,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::select! {
        done = work => done,
        () = stop.cancelled() => Err(Failure::interrupted("interrupted; completed writes and pull requests were kept")),
    }
}

/// Retrieves the entries. With `--open-prs`, also returns the options of the pull requests.
async fn retrieve_entries(
    session: &Session,
    args: &RetrieveTagsArgs,
    upstreams: &RunUpstreams,
    config: &str,
    entries: &[&Entry],
    lists: &[ListFile],
) -> Result<(Retrieval, Option<ProposeOptions>), Failure> {
    // Invalid options are errors before the first request.
    let options = match args.open_prs {
        true => Some(pull_request_options(session, args, upstreams).await?),
        false => None,
    };
    let outcomes = run_entries(session, args, upstreams, entries).await;
    let known = KnownRows::new(lists);
    let retrieval = Retrieval::new(config, outcomes, &known, own_org(args).as_ref());
    Ok((retrieval, options))
}

/// Adds the new versions (`--apply`) or opens pull requests (`--open-prs`).
async fn apply_or_propose(
    session: &Session,
    args: &RetrieveTagsArgs,
    retrieval: &Retrieval,
    options: Option<&ProposeOptions>,
    lists: &[ListFile],
    paths: &[PathBuf],
) -> Result<Exit, Failure> {
    match options {
        Some(options) => open_prs(session, retrieval, lists, options).await,
        None if args.apply => apply(session, retrieval, paths, args.dry_run).await,
        None => Ok(Exit::Done),
    }
}

async fn pull_request_options(
    session: &Session,
    args: &RetrieveTagsArgs,
    upstreams: &RunUpstreams,
) -> Result<ProposeOptions, Failure> {
    let mode = match args.dry_run {
        true => Mode::DryRun,
        false => Mode::Propose,
    };
    let github = upstreams.clients.github.clone();
    propose_options(session, github, (args.base.clone(), mode, args.explain)).await
}

/// Returns the entries with the given names, or all entries without names. Followed entries have no rows
/// to add, and are skipped.
fn selected<'a>(config: &'a ConfigFile, names: &[String]) -> Result<Vec<&'a Entry>, Failure> {
    let entries = &config.config.entries;
    let is_unknown = |name: &&String| !entries.iter().any(|entry| entry.name == **name);
    let unknown: Vec<_> = names.iter().filter(is_unknown).cloned().collect();
    if !unknown.is_empty() {
        let known: Vec<_> = entries.iter().map(|entry| entry.name.as_str()).collect();
        let message = format!("{} has no entry {}", config.name, unknown.join(", "));
        return Err(
            Failure::unusable(message).hint(format!("available entries: {}", known.join(", ")))
        );
    }
    let is_wanted = |entry: &&Entry| names.is_empty() || names.contains(&entry.name);
    let (followed, wanted): (Vec<_>, Vec<_>) = entries
        .iter()
        .filter(is_wanted)
        .partition(|entry| entry.follow.is_some());
    for entry in followed {
        tracing::info!("{}: skipped: `mirror sync` follows it", entry.name);
    }
    Ok(wanted)
}

async fn run_entries<'a>(
    session: &Session,
    args: &RetrieveTagsArgs,
    upstreams: &RunUpstreams,
    entries: &[&'a Entry],
) -> Vec<Outcome<'a>> {
    let progress = Arc::new(Progress::default());
    let shown = session.progress_display.show_units(
        "entries",
        entries.len(),
        &progress,
        &upstreams.clients.registries,
    );
    let limits = Limits {
        entries: args.entries_at_once.get(),
        deadline: args.deadline,
    };
    let on_end = |outcome: &Outcome<'_>| progress.row_done(outcome.result.is_err());
    let entries = entries.iter().copied();
    let outcomes = Box::pin(retrieve(entries, &upstreams.clients, limits, on_end)).await;
    drop(shown);
    outcomes
}

/// Writes the result to stdout, and everything else to the log and GitHub Actions.
fn publish(
    session: &Session,
    args: &RetrieveTagsArgs,
    retrieval: &Retrieval,
) -> Result<(), Failure> {
    for entry in &retrieval.entries {
        let name = &entry.name;
        if let EntryState::Retrieved {
            retrieved,
            new_tags,
        } = &entry.state
        {
            for warning in &retrieved.warnings {
                tracing::warn!("{name}: {warning}");
            }
            if let Some(warning) = invalid_tags_warning(new_tags) {
                tracing::warn!("{name}: {warning}");
            }
            for pair in &new_tags.new {
                tracing::info!("{name}: {}: {}", named(pair), pair.origin);
            }
        }
    }
    if args.explain {
        output::notice(&Explanation(retrieval).to_string());
    }
    let findings = retrieval.findings();
    for finding in &findings {
        tracing::error!("{finding}");
    }
    let github = session.environment.github.as_ref();
    github_actions::annotate(github, Level::Error, &findings);
    github_actions::add_to_step_summary(github, &retrieved_summary(retrieval));
    session.output.write_document(&retrieved_json(retrieval))?;
    if !args.explain {
        tracing::info!("{}", sums(retrieval));
    }
    Ok(())
}

/// Returns your organization, if `--own-org` names one.
fn own_org(args: &RetrieveTagsArgs) -> Option<Organization> {
    args.own_org.as_deref().and_then(Organization::new)
}

/// Formats one warning for all announced names that are not valid tags.
fn invalid_tags_warning(new_tags: &NewTags) -> Option<String> {
    let passed = new_tags.not_new.iter();
    let mut tags: Vec<_> = passed
        .filter(|passed| passed.reason == NotNewReason::InvalidTag)
        .map(|passed| passed.found.tag.as_str())
        .collect();
    tags.sort_unstable();
    tags.dedup();
    let (first, more) = tags.split_first()?;
    let more = match more.len() {
        0 => String::new(),
        many => format!(" and {many} more"),
    };
    Some(format!("{first}{more}: {}", NotNewReason::InvalidTag))
}
