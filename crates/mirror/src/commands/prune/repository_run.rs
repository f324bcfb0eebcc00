//! The deletions of one repository.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use image_name::{Digest, ManifestReference, Tag};
use oci_spec::distribution::Reference;
use prune_plan::{
    Decision, Options, PlanLine, RepositoryFacts, RepositoryPlan, SelectedTag, Selection, plan,
};
use registry_client::{
    Access, Client, Deletion, DeletionApi, DeletionError, Error, Repository, StatusError,
};
use tokio_util::sync::CancellationToken;

use super::applied_report::{AppliedLine, LineStatus};
use super::known::Known;
use super::known_repository::KnownRepository;
use super::planned_deletions::PlannedDeletions;
use super::survey::{Survey, SurveyError, readable, reference};
use crate::terminal::hints::{self, Operation};

/// The deletions of one repository.
///
/// Tags are deleted first. Then everything is surveyed and decided once more, because a tag may have been
/// pushed meanwhile, and manifests are deleted. After each failure the rest is decided anew: what could not
/// be deleted keeps what it needs.
pub(super) struct RepositoryRun<'a> {
    known: (&'a Known, &'a KnownRepository),
    options: &'a Options,
    lines: &'a [&'a PlanLine],
    outcomes: Vec<Option<AppliedLine>>,
    selection: Selection,
    survey: Survey,
    readable: Repository,
    /// The client that may send the deletions of the plan.
    deleting: Client,
    deletable: Repository,
    /// The vendor's API, where the registry has one.
    api: Option<DeletionApi>,
    plan: RepositoryPlan,
    /// Tags that the registry deletes only with their manifests.
    by_digest: HashMap<Tag, Arc<StatusError>>,
    /// The registry deletes no tag, as far as known.
    keeps_tags: Option<Arc<StatusError>>,
    /// The registry does not delete manifests at all.
    is_closed: Option<Arc<StatusError>>,
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
            selection: selection(lines),
            survey: Survey::default(),
            deleting: client.clone(),
            deletable: readable.clone(),
            readable,
            api: None,
            plan: RepositoryPlan::default(),
            by_digest: HashMap::new(),
            keeps_tags: None,
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
        let foreign = self.options.foreign;
        let survey = &mut self.survey;
        survey
            .read(&self.readable, self.known.1, &planned, foreign)
            .await?;
        self.decide();
        Ok(())
    }

    fn decide(&mut self) {
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
        let has_manifests = self.next_manifest().is_some();
        if has_manifests && !stop.is_cancelled() {
            self.survey_and_decide().await?;
        }
        while let Some(digest) = self.next_manifest() {
            if stop.is_cancelled() {
                break;
            }
            self.delete_manifest(&digest).await;
        }
        self.explain_rest(stop);
        Ok(())
    }

    /// Deletes a tag or a manifest: at the registry or, where it does not, through the vendor's API.
    async fn delete_one(
        &self,
        target: &ManifestReference,
        digest: &Digest,
    ) -> Result<Deletion, DeletionError> {
        let image = reference(self.known.1);
        let api = self.api.filter(|api| api.deletes(target));
        if let Some(api) = api.filter(|api| api.replaces_registry(target)) {
            return self
                .deleting
                .delete_at_vendor(&image, api, target, digest)
                .await;
        }
        let deleted = self
            .deletable
            .delete_manifest(target.clone(), digest)
            .await?;
        match (api, &deleted) {
            (Some(api), Deletion::Unsupported(_)) => {
                self.deleting
                    .delete_at_vendor(&image, api, target, digest)
                    .await
            }
            _ => Ok(deleted),
        }
    }

    async fn delete_tags(&mut self, stop: &CancellationToken) {
        let deletions = self.plan.deletions.iter();
        let tags: Vec<(Tag, Digest)> = deletions
            .filter_map(|line| Some((line.target.tag()?.clone(), line.digest.clone())))
            .collect();
        let mut has_deleted = false;
        for (tag, digest) in tags {
            if stop.is_cancelled() {
                return;
            }
            if let Some(error) = &self.keeps_tags {
                self.by_digest.insert(tag, Arc::clone(error));
                continue;
            }
            match self.delete_one(&(&tag).into(), &digest).await {
                Ok(Deletion::Deleted) => {
                    has_deleted = true;
                    self.end_tag(&tag, LineStatus::Deleted, None);
                }
                Ok(Deletion::Gone) => self.end_tag(&tag, LineStatus::Gone, None),
                Ok(Deletion::Moved(now)) => {
                    self.end_tag(
                        &tag,
                        LineStatus::Kept,
                        Some(format!("the tag has moved to {now}")),
                    );
                    self.selection.tags.remove(&tag);
                }
                Ok(Deletion::Unsupported(error)) => {
                    if !has_deleted {
                        self.keeps_tags = Some(Arc::clone(&error));
                    }
                    self.by_digest.insert(tag, error);
                }
                Ok(_) => {}
                Err(error) => {
                    self.fail_tag(&tag, &error);
                    self.selection.tags.remove(&tag);
                }
            }
        }
        // What could not be deleted stays, with what it needs.
        self.survey.tags.retain(|tag, _| {
            let line = self
                .lines
                .iter()
                .position(|line| line.tag.as_ref() == Some(tag));
            let outcome = line.and_then(|line| self.outcomes[line].as_ref());
            outcome.is_none_or(|outcome| {
                !matches!(outcome.status, LineStatus::Deleted | LineStatus::Gone)
            })
        });
        self.decide();
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

    async fn delete_manifest(&mut self, digest: &Digest) {
        let Some(line) = self.manifest_line(digest) else {
            return;
        };
        let deleted = match &self.is_closed {
            Some(error) => Ok(Deletion::Unsupported(Arc::clone(error))),
            None => self.delete_one(&digest.into(), digest).await,
        };
        let new = |status| AppliedLine::new(self.lines[line], status);
        let outcome = match deleted {
            Ok(Deletion::Gone) => new(LineStatus::Gone),
            Ok(Deletion::Unsupported(error)) => {
                let outcome = AppliedLine {
                    hint: Some(closed_hint(self.known.1)),
                    ..new(LineStatus::Failed).message(Error::Status(Arc::clone(&error)).to_string())
                };
                if error.status.as_u16() == 405 && error.has_code("UNSUPPORTED") {
                    self.is_closed = Some(error);
                }
                outcome
            }
            Ok(_) => new(LineStatus::Deleted),
            Err(error) => self.failure(line, &error),
        };
        let is_gone = matches!(outcome.status, LineStatus::Deleted | LineStatus::Gone);
        self.outcomes[line] = Some(outcome);
        if is_gone {
            self.end_tags_of(digest).await;
            return;
        }
        self.selection.manifests.remove(digest);
        self.decide();
    }

    /// Ends the tags that were deleted with their manifest. A registry may keep them all the same.
    async fn end_tags_of(&mut self, digest: &Digest) {
        let of_digest = |tag: &Tag| {
            let selected = self.selection.tags.get(tag);
            selected.is_some_and(|selected| selected.digest == *digest)
        };
        let tags: Vec<Tag> = self
            .by_digest
            .keys()
            .filter(|tag| of_digest(tag))
            .cloned()
            .collect();
        for tag in tags {
            match self.readable.head_manifest(&tag).await {
                Ok(Some(head)) if head.digest == *digest => {
                    let message = "the registry has deleted the manifest, and still has the tag";
                    self.end_tag(&tag, LineStatus::Failed, Some(message.to_owned()));
                }
                Ok(_) => {
                    let message =
                        "deleted with its manifest: the registry does not delete tags alone";
                    self.end_tag(&tag, LineStatus::Deleted, Some(message.to_owned()));
                }
                Err(error) => self.fail_tag(&tag, &error.into()),
            }
            self.by_digest.remove(&tag);
            self.survey.tags.remove(&tag);
        }
    }

    /// Gives every line without an outcome one.
    fn explain_rest(&mut self, stop: &CancellationToken) {
        for index in 0..self.lines.len() {
            if self.outcomes[index].is_none() {
                let outcome = self.rest(self.lines[index], stop.is_cancelled());
                self.outcomes[index] = Some(outcome);
            }
        }
    }

    fn rest(&self, line: &PlanLine, is_stopped: bool) -> AppliedLine {
        let new = |status| AppliedLine::new(line, status);
        let target = match &line.tag {
            Some(tag) => ManifestReference::from(tag),
            None => ManifestReference::from(&line.digest),
        };
        let is_planned = self.plan.deletions.iter().any(|line| line.target == target);
        match &line.tag {
            Some(tag) if !self.survey.tags.contains_key(tag) => new(LineStatus::Gone),
            Some(tag) if !is_planned => {
                let mut decisions = self.plan.tags.iter();
                let decision = decisions.find(|(other, _)| other == tag);
                new(LineStatus::Kept).message(match decision {
                    Some((_, Decision::Keep(reason))) => reason.to_string(),
                    _ => "the tag is needed".to_owned(),
                })
            }
            Some(_) if is_stopped => new(LineStatus::Skipped).message("interrupted"),
            Some(tag) => self.only_with_manifest(line, tag),
            None if !self.survey.graph.contains(&line.digest) => new(LineStatus::Gone),
            None if is_planned && is_stopped => new(LineStatus::Skipped).message("interrupted"),
            None => new(LineStatus::Kept).message(self.reason_of_manifest(&line.digest)),
        }
    }

    /// Returns the outcome of a tag that the registry deletes only with its manifest, which stays.
    fn only_with_manifest(&self, line: &PlanLine, tag: &Tag) -> AppliedLine {
        let refusal = self.by_digest.get(tag).map(|error| error.to_string());
        let refusal = refusal.unwrap_or_else(|| "the tag was not deleted".to_owned());
        let why = self.reason_of_manifest(&line.digest);
        let message = format!("{refusal}; its manifest cannot be deleted instead: {why}");
        AppliedLine {
            hint: Some(tag_hint(self.known.1)),
            ..AppliedLine::new(line, LineStatus::Failed).message(message)
        }
    }

    fn reason_of_manifest(&self, digest: &Digest) -> String {
        if let Some(tag) = self.survey.tags.iter().find(|(_, other)| *other == digest) {
            return format!("the tag {} has it", tag.0);
        }
        match self.plan.needed.contains(digest) {
            true => "an image, a row or a lock line that stays needs it".to_owned(),
            false => "it does not belong to an image that mirror has written".to_owned(),
        }
    }

    fn end_tag(&mut self, tag: &Tag, status: LineStatus, message: Option<String>) {
        let line = self
            .lines
            .iter()
            .position(|line| line.tag.as_ref() == Some(tag));
        if let Some(line) = line {
            let outcome = AppliedLine::new(self.lines[line], status);
            self.outcomes[line] = Some(AppliedLine { message, ..outcome });
        }
    }

    fn fail_tag(&mut self, tag: &Tag, error: &DeletionError) {
        let line = self
            .lines
            .iter()
            .position(|line| line.tag.as_ref() == Some(tag));
        if let Some(line) = line {
            self.outcomes[line] = Some(self.failure(line, error));
        }
    }

    fn failure(&self, line: usize, error: &DeletionError) -> AppliedLine {
        let image = reference(self.known.1);
        let message = registry_client::cut_sent_secrets(&error.to_string()).into_owned();
        AppliedLine {
            hint: deletion_hint(&image, error),
            refused: error.is_refused(),
            ..AppliedLine::new(self.lines[line], LineStatus::Failed).message(message)
        }
    }

    fn manifest_line(&self, digest: &Digest) -> Option<usize> {
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

fn selection(lines: &[&PlanLine]) -> Selection {
    let mut selection = Selection::default();
    for line in lines {
        match &line.tag {
            Some(tag) => {
                let selected = SelectedTag {
                    digest: line.digest.clone(),
                    image: line.image.clone(),
                };
                selection.tags.insert(tag.clone(), selected);
            }
            None => {
                let (digest, image) = (line.digest.clone(), line.image.clone());
                selection.manifests.insert(digest, image);
            }
        }
    }
    selection
}

/// Returns the hint for a deletion that failed.
fn deletion_hint(image: &Reference, error: &DeletionError) -> Option<String> {
    let host = image.registry();
    match error {
        DeletionError::Request(error) if error.is_refused() && !error.is_refused_anonymous() => {
            Some(format!(
                "let the account delete at {host}, which is another right than to push; see docs/clean-up.md"
            ))
        }
        DeletionError::Request(error) => hints::for_request(Operation::Write, image, error),
        DeletionError::NoCredentials {
            api: DeletionApi::Quay,
            ..
        } => Some(format!(
            "set QUAY_TOKEN to an OAuth 2 access token, and QUAY_HOST to {host}"
        )),
        DeletionError::NoCredentials { .. } => Some(format!("log in with `mirror login {host}`")),
        DeletionError::Keys { .. } => {
            Some("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY".to_owned())
        }
        _ => None,
    }
}

/// Returns the hint for a registry that does not delete manifests.
fn closed_hint(known: &KnownRepository) -> String {
    format!(
        "allow deletions at {}: distribution has the setting storage.delete.enabled \
         (REGISTRY_STORAGE_DELETE_ENABLED=true)",
        known.name.host()
    )
}

/// Returns the hint for a registry that deletes tags only with their manifests.
fn tag_hint(known: &KnownRepository) -> String {
    format!(
        "{} deletes tags only together: distribution 3 deletes a single tag, 2.8 does not",
        known.name.host()
    )
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
