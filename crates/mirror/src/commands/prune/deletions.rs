//! The requests of a run in one repository: first its tags, then its manifests.

use std::sync::Arc;

use image_name::{Digest, ManifestReference, Tag};
use registry_client::{Deletion, DeletionApi, DeletionError, Error, VendorDeletion};
use tokio_util::sync::CancellationToken;

use super::applied_report::{AppliedLine, LineStatus};
use super::deletion_hints;
use super::repository_run::RepositoryRun;
use super::survey::reference;

impl RepositoryRun<'_> {
    /// Deletes a tag or a manifest: at the registry or, where it does not, through the vendor's API.
    async fn delete_one(
        &self,
        target: &ManifestReference,
        digest: &Digest,
    ) -> Result<Deletion, DeletionError> {
        let image = reference(self.known.1);
        let tags = self.tags_with(digest);
        let deletion = VendorDeletion {
            reference: target,
            digest,
            tags: &tags,
        };
        let api = self.api.filter(|api| api.deletes(target));
        if let Some(api) = api.filter(|api| api.replaces_registry(target)) {
            return self.deleting.delete_at_vendor(&image, api, deletion).await;
        }
        let deleted = self
            .deletable
            .delete_manifest(target.clone(), digest)
            .await?;
        // The API of old versions of GitLab deletes all tags with the digest.
        let is_shared = self.plan.needed.contains(digest);
        let api = api.filter(|api| *api != DeletionApi::GitLab || !is_shared);
        match (api, &deleted) {
            (Some(api), Deletion::Unsupported(_)) => {
                self.deleting.delete_at_vendor(&image, api, deletion).await
            }
            _ => Ok(deleted),
        }
    }

    /// Returns the tags that go with a manifest, where the registry deletes no single tags.
    fn tags_with(&self, digest: &Digest) -> Vec<Tag> {
        let tags = self.by_digest.keys();
        let of_digest = tags.filter(|tag| self.survey.tags.get(*tag) == Some(digest));
        of_digest.cloned().collect()
    }

    /// Deletes the tags of the plan.
    pub(super) async fn delete_tags(&mut self, stop: &CancellationToken) {
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
                    if let Some(other) = self.lost_with(&tag, &digest).await {
                        self.stop_after_loss(&tag, &other);
                        return;
                    }
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

    /// Returns another tag of the digest that should stay, if the registry has deleted the manifest with the tag.
    async fn lost_with(&self, tag: &Tag, digest: &Digest) -> Option<Tag> {
        let is_planned = |tag: &Tag| {
            let mut planned = self.plan.deletions.iter();
            planned.any(|line| line.target.tag() == Some(tag))
        };
        let mut others = self.survey.tags.iter();
        let (other, _) = others
            .find(|(other, found)| *found == digest && *other != tag && !is_planned(other))?;
        let found = self.readable.head_manifest(digest).await;
        matches!(found, Ok(None)).then(|| other.clone())
    }

    /// Ends the run in a repository after the deletion of a tag has deleted other tags too.
    fn stop_after_loss(&mut self, tag: &Tag, other: &Tag) {
        let message =
            format!("the registry has deleted the manifest with all its tags, also {other}");
        self.end_tag(tag, LineStatus::Failed, Some(message));
        let hint = "run `mirror sync` to copy that tag again, and keep tags that share a digest in this registry";
        let mut lines = self.lines.iter();
        let line = lines.position(|line| line.tag.as_ref() == Some(tag));
        if let Some(outcome) = line.and_then(|line| self.outcomes[line].as_mut()) {
            outcome.hint = Some(hint.to_owned());
        }
        self.has_lost = true;
    }

    /// Deletes a manifest of the plan.
    pub(super) async fn delete_manifest(&mut self, digest: &Digest) {
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
                    hint: Some(deletion_hints::for_closed_registry(self.host(), self.api)),
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
        for tag in self.tags_with(digest) {
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
            hint: deletion_hints::for_failure(&image, self.api, error),
            refused: error.is_refused(),
            ..AppliedLine::new(self.lines[line], LineStatus::Failed).message(message)
        }
    }
}
