//! The plan: the survey of every repository with candidates, and the decisions.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use chrono::{Days, Utc};
use copier::Progress;
use futures::stream::{self, StreamExt};
use prune_plan::{Options, RegistryShare, RepositoryPlan, add_freed_bytes, plan};
use registry_client::{Client, DeletionApi};
use tokio_util::sync::CancellationToken;

use super::args::ProtectionArgs;
use super::known::Known;
use super::known_repository::KnownRepository;
use super::survey::{Survey, list_tags, readable, reference};
use super::survey_error::SurveyError;
use crate::session::Session;

/// Maximum number of repositories that are surveyed concurrently.
const CONCURRENT_REPOSITORIES: usize = 8;

/// A repository with its plan.
#[derive(Debug)]
pub(super) struct PlannedRepository<'a> {
    pub(super) known: &'a KnownRepository,
    /// The vendor's API, where the registry has one.
    pub(super) api: Option<DeletionApi>,
    /// The number of its tags.
    pub(super) tags: usize,
    /// The plan, or the reason why there is none.
    pub(super) planned: Result<Planned, SurveyError>,
}

/// The survey of a repository, and what can be deleted from it.
#[derive(Debug, Default)]
pub(super) struct Planned {
    pub(super) survey: Survey,
    pub(super) plan: RepositoryPlan,
}

/// Returns the options of a plan that is made now.
pub(super) fn options(args: &ProtectionArgs) -> Options {
    let since = args.keep_days.map(|days| {
        let now = Utc::now();
        let since = now.checked_sub_days(Days::new(days.into()));
        since.map_or(i64::MIN, |since| since.timestamp())
    });
    Options {
        keep_removed_since: since,
        keep_latest: args.keep_latest,
        foreign: args.foreign,
    }
}

/// Surveys the repositories that may have candidates, and decides. Nothing is written. After the stop signal,
/// no further repository is surveyed.
pub(super) async fn plan_all<'a>(
    session: &Session,
    known: &'a Known,
    options: &Options,
    (client, stop): (&Client, &CancellationToken),
) -> Vec<PlannedRepository<'a>> {
    let repositories = known.repositories().into_iter();
    let with_former = repositories.filter(|known| options.foreign || !known.removals.is_empty());
    let with_former: Vec<_> = with_former.collect();
    let progress = Arc::new(Progress::default());
    let display = &session.progress_display;
    let shown = display.show_units("repositories", with_former.len(), &progress, client);
    let surveyed = stream::iter(with_former)
        .take_until(stop.cancelled())
        .map(|repository| {
            let progress = &progress;
            async move {
                let planned = Box::pin(plan_one(client, known, repository, options));
                let planned = tokio::select! {
                    planned = planned => planned,
                    () = stop.cancelled() => return None,
                };
                progress.row_done(planned.planned.is_err());
                Some(planned)
            }
        })
        .buffered(CONCURRENT_REPOSITORIES);
    let mut planned: Vec<PlannedRepository<'_>> =
        surveyed.filter_map(std::future::ready).collect().await;
    drop(shown);
    set_freed_bytes(&mut planned);
    planned
}

async fn plan_one<'a>(
    client: &Client,
    known: &Known,
    repository: &'a KnownRepository,
    options: &Options,
) -> PlannedRepository<'a> {
    let (tags, planned) = match survey(client, repository, options).await {
        Ok((tags, survey)) => {
            let mut facts = repository.facts(&known.used_digests);
            facts.tags.clone_from(&survey.tags);
            facts.graph = survey.graph.clone();
            let plan = plan(&facts, options, None);
            (tags, Ok(Planned { survey, plan }))
        }
        Err(error) => (0, Err(error)),
    };
    PlannedRepository {
        known: repository,
        // An error of registries.conf is that of the survey too.
        api: client.deletion_api(&reference(repository)).ok().flatten(),
        tags,
        planned,
    }
}

/// Surveys a repository. Without candidates among its tags, only the list is read.
async fn survey(
    client: &Client,
    known: &KnownRepository,
    options: &Options,
) -> Result<(usize, Survey), SurveyError> {
    let repository = readable(client, known)?;
    let listed = list_tags(&repository).await?;
    let mut survey = Survey::default();
    if listed.iter().any(|tag| known.may_go(tag, options.foreign)) {
        let none = HashSet::new();
        survey.read(&repository, known, &none).await?;
    }
    Ok((listed.len(), survey))
}

/// Sets the bytes that the plans free, registry by registry.
fn set_freed_bytes(planned: &mut [PlannedRepository<'_>]) {
    let mut registries: BTreeMap<String, Vec<RegistryShare<'_>>> = BTreeMap::new();
    for repository in planned {
        if let Ok(planned) = &mut repository.planned {
            let host = repository.known.name.host().to_string();
            registries.entry(host).or_default().push(RegistryShare {
                graph: &planned.survey.graph,
                plan: &mut planned.plan,
            });
        }
    }
    for repositories in registries.values_mut() {
        add_freed_bytes(repositories);
    }
}
