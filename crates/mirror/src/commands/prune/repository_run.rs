//! The deletions of one repository.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use image_name::{Digest, Tag};
use prune_plan::{Options, PlanLine, RepositoryFacts, RepositoryPlan, Selection, plan};
use registry_client::{Access, Client, DeletionApi, Repository, StatusError};
use tokio_util::sync::CancellationToken;

use super::applied_report::{AppliedLine, LineStatus};
use super::known::Known;
use super::known_repository::KnownRepository;
use super::planned_deletions::PlannedDeletions;
use super::survey::{Survey, list_tags, readable, reference};
use super::survey_error::SurveyError;
use crate::terminal::hints::{self, Operation};

/// Maximum age of the survey when a manifest is deleted, unless surveys take long.
const MAX_SURVEY_AGE: Duration = Duration::from_secs(60);

/// The deletions of one repository.
///
/// Tags are deleted first. Then everything is surveyed and decided once more, because a tag may have been
/// pushed meanwhile, and manifests are deleted. After each failure the rest is decided again: what could not
/// be deleted keeps what it needs.
pub(super) struct RepositoryRun<'a> {
    pub(super) known: (&'a Known, &'a KnownRepository),
    options: &'a Options,
    pub(super) lines: &'a [&'a PlanLine],
    pub(super) outcomes: Vec<Option<AppliedLine>>,
    pub(super) selection: Selection,
    pub(super) survey: Survey,
    /// The end of the last survey, and its duration.
    surveyed: Option<(Instant, Duration)>,
    pub(super) readable: Repository,
    /// The client that may send the deletions of the plan.
    pub(super) deleting: Client,
    pub(super) deletable: Repository,
    /// The vendor's API, where the registry has one.
    pub(super) api: Option<DeletionApi>,
    pub(super) plan: RepositoryPlan,
    /// Tags that the registry deletes only with their manifests.
    pub(super) by_digest: HashMap<Tag, Arc<StatusError>>,
    /// The registry deletes no tag, as far as known.
    pub(super) keeps_tags: Option<Arc<StatusError>>,
    /// The registry has deleted a manifest with a tag, although another tag has it.
    pub(super) has_lost: bool,
    /// The registry does not delete manifests at all.
    pub(super) is_closed: Option<Arc<StatusError>>,
}

impl<'a> RepositoryRun<'a> {
    /// Surveys the repository and decides which lines are applied. Nothing is deleted yet.
    pub(super) async fn begin(
        client: &'a Client,
        (known, repository): (&'a Known, &'a KnownRepository),
        options: &'a Options,
        lines: &'a [&'a PlanLine],
    ) -> Result<Self, SurveyError> {
        let readable = readable(client, repository)?;
        let mut run = Self {
            known: (known, repository),
            options,
            lines,
            outcomes: lines.iter().map(|_| None).collect(),
            selection: Selection::from_lines(lines),
            survey: Survey::default(),
            surveyed: None,
            deleting: client.clone(),
            deletable: readable.clone(),
            readable,
            api: None,
            plan: RepositoryPlan::default(),
            by_digest: HashMap::new(),
            keeps_tags: None,
            has_lost: false,
            is_closed: None,
        };
        run.survey_and_decide().await?;
        let image = reference(repository);
        // Known only now for vendors with a token server of their own.
        run.api = client.deletion_api(&image)?;
        // Quay refuses a scope with `delete`: the right to push includes deletions.
        let access = match run.api {
            Some(DeletionApi::Quay) => Access::Push,
            _ => Access::Delete,
        };
        let policy = PlannedDeletions::new(&run.readable, &run.plan);
        run.deleting = client.with_writes(Arc::new(policy));
        run.deletable = run.deleting.destination(&image, access)?;
        Ok(run)
    }

    async fn survey_and_decide(&mut self) -> Result<(), SurveyError> {
        let planned: HashSet<Digest> = self.selection.manifests.keys().cloned().collect();
        let survey = &mut self.survey;
        let started = Instant::now();
        survey.read(&self.readable, self.known.1, &planned).await?;
        self.surveyed = Some((Instant::now(), started.elapsed()));
        self.decide();
        Ok(())
    }

    /// Surveys the repository again if it has a tag that the last survey did not find, or if that was long ago.
    /// Other clients may push while manifests are deleted, and most registries delete a manifest with its tags.
    async fn notice_pushes(&mut self) -> Result<(), SurveyError> {
        if self.next_manifest().is_none() {
            return Ok(());
        }
        if let Some((at, duration)) = self.surveyed
            && at.elapsed() < MAX_SURVEY_AGE.max(duration * 4)
        {
            let listed = list_tags(&self.readable).await?;
            if listed.iter().all(|tag| self.survey.tags.contains_key(tag)) {
                return Ok(());
            }
        }
        self.survey_and_decide().await
    }

    /// Decides again, from the last survey.
    pub(super) fn decide(&mut self) {
        let (known, repository) = self.known;
        let facts = RepositoryFacts {
            tags: self.survey.tags.clone(),
            graph: self.survey.graph.clone(),
            ..repository.facts(&known.used_digests)
        };
        self.plan = plan(&facts, self.options, Some(&self.selection));
    }

    /// Deletes the tags, and then the manifests.
    ///
    /// # Errors
    ///
    /// [`SurveyError`] if the repository cannot be surveyed again after the tags.
    pub(super) async fn delete(&mut self, stop: &CancellationToken) -> Result<(), SurveyError> {
        self.delete_tags(stop).await;
        if self.has_lost {
            self.explain_rest(stop);
            return Ok(());
        }
        // The tags are read again.
        self.surveyed = None;
        while !stop.is_cancelled() {
            self.notice_pushes().await?;
            let Some(digest) = self.next_manifest() else {
                break;
            };
            self.delete_manifest(&digest).await;
        }
        self.explain_rest(stop);
        Ok(())
    }

    /// Returns the next manifest of the plan without an outcome.
    fn next_manifest(&self) -> Option<Digest> {
        let deletions = self.plan.deletions.iter();
        let manifests = deletions.filter_map(|line| line.target.digest());
        let mut open = manifests.filter(|digest| {
            let line = self.manifest_line(digest);
            line.is_some_and(|line| self.outcomes[line].is_none())
        });
        open.next().cloned()
    }

    /// Returns the host of the repository.
    pub(super) fn host(&self) -> &str {
        self.known.1.name.host().as_str()
    }

    /// Returns the line of a manifest.
    pub(super) fn manifest_line(&self, digest: &Digest) -> Option<usize> {
        let mut lines = self.lines.iter();
        lines.position(|line| line.tag.is_none() && line.digest == *digest)
    }

    /// Gives every line without an outcome the error of the repository.
    pub(super) fn fail_rest(&mut self, error: &SurveyError) {
        for (line, outcome) in self.lines.iter().zip(&mut self.outcomes) {
            outcome.get_or_insert_with(|| failed_line(self.known.1, line, error));
        }
    }

    /// Returns the outcomes, in the order of the lines.
    pub(super) fn into_outcomes(self) -> Vec<AppliedLine> {
        let lines = self.lines.iter().zip(self.outcomes);
        lines
            .map(|(line, outcome)| {
                outcome.unwrap_or_else(|| AppliedLine::new(line, LineStatus::Skipped))
            })
            .collect()
    }
}

/// Returns the outcome of a line in a repository that cannot be surveyed.
pub(super) fn failed_line(
    repository: &KnownRepository,
    line: &PlanLine,
    error: &SurveyError,
) -> AppliedLine {
    let reference = reference(repository);
    let request = error.request_error();
    let message = registry_client::cut_sent_secrets(&error.to_string()).into_owned();
    AppliedLine {
        hint: request.and_then(|error| hints::for_request(Operation::Read, &reference, error)),
        refused: request.is_some_and(registry_client::Error::is_refused),
        ..AppliedLine::new(line, LineStatus::Failed).message(message)
    }
}
