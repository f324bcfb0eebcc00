//! `--apply`: decides again, and deletes the lines of the plan that remain.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use copier::Progress;
use futures::stream::{self, StreamExt};
use image_name::{Digest, RepositoryName};
use prune_plan::{DeletionLimit, Options, PlanFile, PlanLine};
use registry_client::Client;
use tokio_util::sync::CancellationToken;

use super::applied_report::{AppliedLine, LineStatus};
use super::known::Known;
use super::known_repository::KnownRepository;
use super::repository_run::{RepositoryRun, failed_line};
use super::survey::{list_tags, readable};
use super::survey_error::SurveyError;
use crate::cli::failure::Failure;
use crate::session::Session;
use crate::terminal::units::counted;

/// Maximum number of repositories in which deletions are sent concurrently.
const CONCURRENT_REPOSITORIES: usize = 4;

/// The lines of a plan for one repository.
struct RepositoryLines<'a> {
    /// `None` if neither the list, the lock nor their history has the repository.
    known: Option<&'a KnownRepository>,
    /// The positions in the plan.
    lines: Vec<(usize, &'a PlanLine)>,
}

/// Applies a plan. Returns an outcome for each line, in the order of the plan.
///
/// # Errors
///
/// [`Failure`] if the plan has more tags than `limit` allows. Nothing is deleted then.
pub(super) async fn apply(
    session: &Session,
    (known, options, limit): (&Known, &Options, DeletionLimit),
    plan: &PlanFile,
    (client, stop): (&Client, &CancellationToken),
) -> Result<Vec<AppliedLine>, Failure> {
    let repositories = by_repository(plan, known);
    refuse_above_limit(client, &repositories, limit).await?;
    let progress = Arc::new(Progress::default());
    let display = &session.progress_display;
    let shown = display.show_units("repositories", repositories.len(), &progress, client);
    let applied = stream::iter(repositories).map(|repository| {
        let progress = &progress;
        async move {
            let run = apply_repository(client, (known, options), &repository, stop);
            let applied = Box::pin(run).await;
            let has_failed = |line: &AppliedLine| line.status == LineStatus::Failed;
            progress.row_done(applied.iter().any(has_failed));
            let positions = repository.lines.iter().map(|(position, _)| *position);
            positions.zip(applied).collect::<Vec<_>>()
        }
    });
    let applied: Vec<Vec<_>> = applied
        .buffer_unordered(CONCURRENT_REPOSITORIES)
        .collect()
        .await;
    drop(shown);
    let mut lines: Vec<(usize, AppliedLine)> = applied.into_iter().flatten().collect();
    lines.sort_by_key(|(position, _)| *position);
    Ok(lines.into_iter().map(|(_, line)| line).collect())
}

fn by_repository<'a>(plan: &'a PlanFile, known: &'a Known) -> Vec<RepositoryLines<'a>> {
    let mut order: Vec<RepositoryName> = Vec::new();
    let mut lines: HashMap<RepositoryName, Vec<(usize, &PlanLine)>> = HashMap::new();
    for (position, line) in plan.deletions.iter().enumerate() {
        // Parsing the plan has checked the names.
        let Some(name) = line.name() else { continue };
        if !lines.contains_key(&name) {
            order.push(name.clone());
        }
        lines.entry(name).or_default().push((position, line));
    }
    let repositories = order.into_iter().map(|name| RepositoryLines {
        known: known.get(&name),
        lines: lines.remove(&name).unwrap_or_default(),
    });
    repositories.collect()
}

/// Refuses a plan with more tags than allowed. Only tags that still exist count, and manifests without a tag in
/// the plan.
async fn refuse_above_limit(
    client: &Client,
    repositories: &[RepositoryLines<'_>],
    limit: DeletionLimit,
) -> Result<(), Failure> {
    let counts = stream::iter(repositories).map(|repository| async move {
        let known = repository.known?;
        let lines = || repository.lines.iter().map(|(_, line)| *line);
        let tags = || lines().filter_map(|line| line.tag.as_ref());
        // A manifest whose tag is not in the plan counts as one.
        let with_tag: HashSet<&Digest> = lines()
            .filter(|line| line.tag.is_some())
            .flat_map(|line| [&line.digest, &line.image])
            .collect();
        let is_alone = |line: &&PlanLine| line.tag.is_none() && !with_tag.contains(&line.image);
        let alone = lines().filter(is_alone).count();
        let listed = match readable(client, known) {
            Ok(repository) => list_tags(&repository).await.ok(),
            Err(_) => None,
        };
        Some(match listed {
            Some(listed) => {
                let planned = tags().filter(|tag| listed.contains(tag)).count();
                (listed.len(), planned + alone)
            }
            // The list may be readable a moment later, so all lines count.
            None => (0, tags().count() + alone),
        })
    });
    let counts: Vec<Option<(usize, usize)>> = counts
        .buffer_unordered(CONCURRENT_REPOSITORIES)
        .collect()
        .await;
    let (mut listed, mut planned) = (0, 0);
    for (tags, lines) in counts.into_iter().flatten() {
        listed += tags;
        planned += lines;
    }
    let allowed = limit.of(listed);
    if planned <= allowed {
        return Ok(());
    }
    let message = format!(
        "the plan deletes {planned} of {}, more than {allowed}; nothing was deleted",
        counted(listed, "tag")
    );
    Err(Failure::failed(message).hint(format!(
        "check that the list is complete; then allow more with --max-deletions {planned}"
    )))
}

/// Applies the lines of a repository. Returns their outcomes in the same order.
async fn apply_repository(
    client: &Client,
    (known, options): (&Known, &Options),
    repository: &RepositoryLines<'_>,
    stop: &CancellationToken,
) -> Vec<AppliedLine> {
    let lines: Vec<&PlanLine> = repository.lines.iter().map(|(_, line)| *line).collect();
    let all = |status, message: &str| {
        let outcomes = lines
            .iter()
            .map(|line| AppliedLine::new(line, status).message(message));
        outcomes.collect::<Vec<_>>()
    };
    let Some(repository) = repository.known else {
        let message = "the repository is neither in the list, nor in its lock or their history";
        return all(LineStatus::Kept, message);
    };
    if stop.is_cancelled() {
        return all(LineStatus::Skipped, "interrupted");
    }
    let mut run = match RepositoryRun::begin(client, (known, repository), options, &lines).await {
        Ok(run) => run,
        Err(error) => return failed(repository, &lines, &error),
    };
    if let Err(error) = run.delete(stop).await {
        run.fail_rest(&error);
    }
    run.into_outcomes()
}

/// Returns the outcomes of a repository that cannot be surveyed.
fn failed(
    repository: &KnownRepository,
    lines: &[&PlanLine],
    error: &SurveyError,
) -> Vec<AppliedLine> {
    let lines = lines.iter();
    lines
        .map(|line| failed_line(repository, line, error))
        .collect()
}
