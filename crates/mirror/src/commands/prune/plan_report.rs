//! The output of `prune` without `--apply`: the plan.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

use image_name::ManifestReference;
use prune_plan::{Decision, DeletionLimit, KeepReason, PlanLine, RepositoryPlan};
use serde::Serialize;

use super::planning::PlannedRepository;
use super::survey;
use super::survey_error::SurveyError;
use crate::cli::exit::Exit;
use crate::rows::report_file::Provenance;
use crate::terminal::hints::{self, Operation};
use crate::terminal::units::{bytes, counted, short};

/// Maximum lines of a step summary. GitHub accepts summaries of up to 1 MiB.
const MAX_LINES: usize = 300;

/// The result of a run without `--apply`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct PlanReport {
    /// The sums.
    summary: PlanSums,
    /// The program, and the start of the run.
    #[serde(flatten)]
    #[cfg_attr(test, schemars(with = "ProvenanceSchema"))]
    provenance: Provenance,
    /// The deletions, as in the file of `--plan`.
    deletions: Vec<PlanLine>,
    /// Former tags that stay, with the reason.
    kept: Vec<KeptTag>,
    /// The repositories that cannot be surveyed. Nothing is deleted there.
    problems: Vec<Problem>,
}

/// The keys of [`Provenance`].
#[cfg(test)]
#[derive(schemars::JsonSchema)]
#[expect(dead_code, reason = "only the schema is used")]
pub(super) struct ProvenanceSchema {
    tool: String,
    started: String,
}

/// The sums of a plan.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct PlanSums {
    /// The repositories that may have candidates.
    repositories: usize,
    /// The tags in the repositories with deletions.
    tags_listed: usize,
    /// The tags to delete.
    tags: usize,
    /// The manifests to delete.
    manifests: usize,
    /// The bytes that nothing needs any more.
    bytes: u64,
    /// The maximum number of tags to delete (`--max-deletions`).
    max_deletions: usize,
    /// A signal ended the run early.
    interrupted: bool,
}

/// A former tag that stays.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct KeptTag {
    /// The host of the registry.
    registry: String,
    /// The path of the repository.
    repository: String,
    /// The tag.
    tag: String,
    /// The reason.
    reason: String,
}

/// A repository that cannot be surveyed.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Problem {
    /// The repository with its host.
    repository: String,
    /// The cause.
    message: String,
    /// A next step.
    hint: Option<String>,
    /// The registry refused the credentials.
    refused: bool,
}

impl PlanReport {
    /// Creates the report of a plan.
    pub(super) fn new(
        planned: &[PlannedRepository<'_>],
        limit: DeletionLimit,
        interrupted: bool,
        provenance: Provenance,
    ) -> Self {
        let mut deletions = Vec::new();
        let mut kept = Vec::new();
        let mut problems = Vec::new();
        let mut tags_listed = 0;
        for repository in planned {
            match &repository.planned {
                Ok(planned) => {
                    let lines = lines(repository, &planned.plan);
                    if !lines.is_empty() {
                        tags_listed += repository.tags;
                    }
                    deletions.extend(lines);
                    kept.extend(kept_tags(repository, &planned.plan));
                }
                Err(error) => problems.push(Problem::new(repository, error)),
            }
        }
        let tags = deletions.iter().filter(|line| line.tag.is_some()).count();
        let summary = PlanSums {
            repositories: planned.len(),
            tags_listed,
            tags,
            manifests: deletions.len() - tags,
            bytes: deletions.iter().map(|line| line.bytes).sum(),
            max_deletions: limit.of(tags_listed),
            interrupted,
        };
        Self {
            summary,
            provenance,
            deletions,
            kept,
            problems,
        }
    }

    /// Returns the deletions.
    pub(super) fn deletions(&self) -> &[PlanLine] {
        &self.deletions
    }

    /// Returns true if the plan is whole and within `--max-deletions`.
    pub(super) fn may_be_applied(&self) -> bool {
        !self.summary.interrupted && !self.is_above_limit()
    }

    fn is_above_limit(&self) -> bool {
        self.summary.tags > self.summary.max_deletions
    }

    /// Returns the exit status.
    pub(super) fn exit(&self) -> Exit {
        if self.summary.interrupted {
            return Exit::Interrupted;
        }
        if self.is_above_limit() {
            return Exit::Failed;
        }
        let refused = self.problems.iter().filter(|problem| problem.refused);
        match self.problems.len() {
            0 => Exit::Done,
            all if all == refused.count() => Exit::Refused,
            _ => Exit::Failed,
        }
    }

    /// Returns the step summary.
    pub(super) fn markdown(&self) -> String {
        brief("mirror prune", &self.to_string())
    }
}

/// Returns the first lines of a text and its last line, for a step summary.
fn brief(title: &str, text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let mut shown: Vec<&str> = lines.iter().take(MAX_LINES).copied().collect();
    if lines.len() > MAX_LINES {
        shown.push("…");
        shown.extend(lines.last());
    }
    format!("### {title}\n\n```\n{}\n```\n\n", shown.join("\n"))
}

/// Returns the lines of a repository.
fn lines(repository: &PlannedRepository<'_>, plan: &RepositoryPlan) -> Vec<PlanLine> {
    let name = &repository.known.name;
    let deletions = plan.deletions.iter();
    let lines = deletions.map(|deletion| PlanLine {
        registry: name.host().to_string(),
        repository: name.path().to_string(),
        tag: deletion.target.tag().cloned(),
        digest: deletion.digest.clone(),
        image: deletion.image.clone(),
        method: method(repository, &deletion.target).to_owned(),
        reason: deletion.reason.to_string(),
        bytes: deletion.bytes,
    });
    lines.collect()
}

/// Returns the way in which a tag or a manifest will be deleted, as far as known.
fn method(repository: &PlannedRepository<'_>, target: &ManifestReference) -> &'static str {
    match (repository.api, target) {
        (Some(api), target) if api.replaces_registry(target) => api.method(),
        (_, ManifestReference::Tag(_)) => "tag",
        (_, ManifestReference::Digest(_)) => "digest",
    }
}

/// Returns the former tags that stay. Tags of rows, and tags that no row has written, are not candidates.
fn kept_tags(repository: &PlannedRepository<'_>, plan: &RepositoryPlan) -> Vec<KeptTag> {
    let name = &repository.known.name;
    let kept = plan
        .tags
        .iter()
        .filter_map(|(tag, decision)| match decision {
            Decision::Keep(KeepReason::Row | KeepReason::Foreign | KeepReason::About(_)) => None,
            Decision::Keep(KeepReason::ArchTagOf(base))
                if repository.known.kept_tags.contains(base) =>
            {
                None
            }
            Decision::Keep(reason) => Some(KeptTag {
                registry: name.host().to_string(),
                repository: name.path().to_string(),
                tag: tag.to_string(),
                reason: reason.to_string(),
            }),
            Decision::Go(_) => None,
        });
    kept.collect()
}

impl Problem {
    fn new(repository: &PlannedRepository<'_>, error: &SurveyError) -> Self {
        let request = error.request_error();
        let reference = survey::reference(repository.known);
        Self {
            repository: repository.known.name.full(),
            message: registry_client::cut_sent_secrets(&error.to_string()).into_owned(),
            hint: request.and_then(|error| hints::for_request(Operation::Read, &reference, error)),
            refused: request.is_some_and(registry_client::Error::is_refused),
        }
    }
}

impl Display for PlanReport {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.write_deletions(f)?;
        for kept in &self.kept {
            writeln!(
                f,
                "keep    {}/{}:{}",
                kept.registry, kept.repository, kept.tag
            )?;
            writeln!(f, "        {}", kept.reason)?;
        }
        for problem in &self.problems {
            writeln!(f, "error   {}", problem.repository)?;
            writeln!(f, "        {}", problem.message)?;
            if let Some(hint) = &problem.hint {
                writeln!(f, "        hint: {hint}")?;
            }
        }
        self.write_sums(f)
    }
}

impl PlanReport {
    fn write_deletions(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut freed: BTreeMap<(&str, &str, &str), u64> = BTreeMap::new();
        for line in &self.deletions {
            let image = (&*line.registry, &*line.repository, line.image.as_str());
            *freed.entry(image).or_default() += line.bytes;
        }
        for line in &self.deletions {
            let name = format!("{}/{}", line.registry, line.repository);
            if let Some(tag) = &line.tag {
                let image = (&*line.registry, &*line.repository, line.image.as_str());
                // The bytes of an image are shown at the first of its tags.
                let freed = freed.remove(&image).unwrap_or_default();
                match freed {
                    0 => writeln!(f, "delete  {name}:{tag}")?,
                    freed => writeln!(f, "delete  {name}:{tag}  {}", bytes(freed))?,
                }
                writeln!(
                    f,
                    "        {}, {}",
                    line.reason,
                    short(line.digest.as_str())
                )?;
            }
        }
        Ok(())
    }

    fn write_sums(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let sums = &self.summary;
        if self.is_above_limit() {
            writeln!(
                f,
                "refused: {} of {} would be deleted, more than {}",
                sums.tags,
                counted(sums.tags_listed, "tag"),
                sums.max_deletions
            )?;
            writeln!(
                f,
                "         hint: check that the list is complete; then allow more with --max-deletions {}",
                sums.tags
            )?;
        }
        write!(
            f,
            "{}: {} and {} can be deleted, {}",
            counted(sums.repositories, "repository"),
            counted(sums.tags, "tag"),
            counted(sums.manifests, "manifest"),
            bytes(sums.bytes)
        )?;
        if !self.problems.is_empty() {
            write!(f, ", {} with errors", self.problems.len())?;
        }
        f.write_str(if sums.interrupted {
            " (interrupted)\n"
        } else {
            "\n"
        })
    }
}

#[cfg(test)]
mod tests {
    use prune_plan::PlanFile;

    use super::*;
    use crate::terminal::document_schema;

    #[test]
    fn documents_have_the_schemas_of_the_documentation() {
        document_schema::assert_documented::<PlanReport>("prune");
        document_schema::assert_documented::<PlanFile>("prune-plan");
    }
}
