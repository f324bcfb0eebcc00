//! The outcomes of lines that were not deleted: kept, gone, or only to be deleted with their manifest.

use image_name::{Digest, ManifestReference, Tag};
use prune_plan::{Decision, PlanLine};
use tokio_util::sync::CancellationToken;

use super::applied_report::{AppliedLine, LineStatus};
use super::deletion_hints;
use super::repository_run::RepositoryRun;

impl RepositoryRun<'_> {
    /// Gives every line without an outcome one.
    pub(super) fn explain_rest(&mut self, stop: &CancellationToken) {
        for index in 0..self.lines.len() {
            if self.outcomes[index].is_none() {
                let outcome = match self.has_lost {
                    true => AppliedLine::new(self.lines[index], LineStatus::Skipped)
                        .message("the registry deletes more than a tag"),
                    false => self.rest(self.lines[index], stop.is_cancelled()),
                };
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
        // The cause is that of its manifest.
        let manifest = self.manifest_line(&line.digest);
        let manifest = manifest.and_then(|line| self.outcomes[line].as_ref());
        if let Some(failed) = manifest.filter(|outcome| outcome.status == LineStatus::Failed) {
            return AppliedLine {
                message: failed.message.clone(),
                hint: failed.hint.clone(),
                refused: failed.refused,
                ..AppliedLine::new(line, LineStatus::Failed)
            };
        }
        let refusal = self.by_digest.get(tag).map(|error| error.to_string());
        let refusal = refusal.unwrap_or_else(|| "the tag was not deleted".to_owned());
        let why = self.reason_of_manifest(&line.digest);
        let message = format!("{refusal}; its manifest cannot be deleted instead: {why}");
        AppliedLine {
            hint: Some(deletion_hints::for_kept_tag(self.host(), self.api)),
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
}
