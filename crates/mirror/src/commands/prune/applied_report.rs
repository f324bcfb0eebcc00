//! The output of `prune --apply`: the lines of the plan with their outcomes.

use std::fmt::{self, Display, Formatter};

use prune_plan::PlanLine;
use serde::Serialize;

use crate::cli::exit::Exit;
use crate::rows::report_file::Provenance;
use crate::terminal::markdown::cell;
use crate::terminal::units::{bytes, counted};

/// Maximum lines of a step summary. GitHub accepts summaries of up to 1 MiB.
const MAX_LINES: usize = 300;

/// The result of a run with `--apply`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct AppliedReport {
    /// The sums.
    summary: AppliedSums,
    /// The program, and the start of the run.
    #[serde(flatten)]
    #[cfg_attr(test, schemars(with = "super::plan_report::ProvenanceSchema"))]
    provenance: Provenance,
    /// The lines of the plan with their outcomes.
    deletions: Vec<AppliedLine>,
}

/// The sums of an applied plan.
#[derive(Debug, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct AppliedSums {
    /// The lines of the plan.
    planned: usize,
    /// Deleted tags and manifests.
    deleted: usize,
    /// Lines whose tag or manifest did not exist any more.
    gone: usize,
    /// Lines that were not applied, since something needs their tag or manifest by now.
    kept: usize,
    /// Deletions that failed.
    failed: usize,
    /// Lines that were not reached.
    skipped: usize,
    /// The bytes of the plan that belong to deleted manifests.
    bytes: u64,
    /// A signal ended the run early.
    interrupted: bool,
}

impl AppliedReport {
    /// Creates the report of an applied plan.
    pub(super) fn new(
        deletions: Vec<AppliedLine>,
        interrupted: bool,
        provenance: Provenance,
    ) -> Self {
        let mut summary = AppliedSums {
            planned: deletions.len(),
            interrupted,
            ..AppliedSums::default()
        };
        for line in &deletions {
            match line.status {
                LineStatus::Deleted => {
                    summary.deleted += 1;
                    summary.bytes += line.planned.bytes;
                }
                LineStatus::Gone => summary.gone += 1,
                LineStatus::Kept => summary.kept += 1,
                LineStatus::Failed => summary.failed += 1,
                LineStatus::Skipped => summary.skipped += 1,
            }
        }
        Self {
            summary,
            provenance,
            deletions,
        }
    }

    /// Returns the exit status.
    pub(super) fn exit(&self) -> Exit {
        let sums = &self.summary;
        let refused = self.deletions.iter().filter(|line| line.refused).count();
        match sums.failed + sums.kept + sums.skipped {
            _ if sums.interrupted => Exit::Interrupted,
            0 => Exit::Done,
            all if all == refused => Exit::Refused,
            _ => Exit::Failed,
        }
    }

    /// Returns the step summary.
    pub(super) fn markdown(&self) -> String {
        let sums = &self.summary;
        let mut text = format!(
            "### mirror prune --apply\n\n| planned | deleted | gone | kept | failed | skipped | freed |\n\
             | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n| {} | {} | {} | {} | {} | {} | {} |\n\n",
            sums.planned,
            sums.deleted,
            sums.gone,
            sums.kept,
            sums.failed,
            sums.skipped,
            bytes(sums.bytes)
        );
        let notable = self.deletions.iter();
        let notable = notable.filter(|line| line.status != LineStatus::Deleted);
        let lines: Vec<String> = notable
            .map(|line| {
                let message = line.message.as_deref().unwrap_or_default();
                format!(
                    "| {} | {} | {} |\n",
                    line.status.as_str(),
                    cell(&line.name()),
                    cell(message)
                )
            })
            .collect();
        if !lines.is_empty() {
            text += "| status | | |\n| --- | --- | --- |\n";
            text.extend(lines.iter().take(MAX_LINES).map(String::as_str));
            text += "\n";
        }
        text
    }
}

/// The outcome of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(super) enum LineStatus {
    /// The tag or manifest was deleted.
    Deleted,
    /// It did not exist any more.
    Gone,
    /// It stays, since something needs it by now.
    Kept,
    /// The deletion failed.
    Failed,
    /// The line was not reached.
    Skipped,
}

impl LineStatus {
    /// Returns the word.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Deleted => "deleted",
            Self::Gone => "gone",
            Self::Kept => "kept",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

/// A line of the plan with its outcome.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct AppliedLine {
    /// The line.
    #[serde(flatten)]
    pub(super) planned: PlanLine,
    /// The outcome.
    pub(super) status: LineStatus,
    /// The cause of a line that was not applied, or the way of the deletion if it is not that of the plan.
    pub(super) message: Option<String>,
    /// A next step.
    pub(super) hint: Option<String>,
    /// The registry refused the credentials.
    pub(super) refused: bool,
}

impl AppliedLine {
    /// Creates the outcome of a line.
    pub(super) fn new(planned: &PlanLine, status: LineStatus) -> Self {
        Self {
            planned: planned.clone(),
            status,
            message: None,
            hint: None,
            refused: false,
        }
    }

    /// Sets the message.
    #[must_use]
    pub(super) fn message(self, message: impl Into<String>) -> Self {
        Self {
            message: Some(message.into()),
            ..self
        }
    }

    /// Returns the full name of the tag or manifest.
    fn name(&self) -> String {
        let PlanLine {
            registry,
            repository,
            tag,
            digest,
            ..
        } = &self.planned;
        match tag {
            Some(tag) => format!("{registry}/{repository}:{tag}"),
            None => format!("{registry}/{repository}@{digest}"),
        }
    }
}

impl Display for AppliedReport {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for line in &self.deletions {
            // Manifests are many, and those that were deleted are part of the sums.
            let is_quiet = line.status == LineStatus::Deleted || line.status == LineStatus::Gone;
            if line.planned.tag.is_none() && is_quiet {
                continue;
            }
            writeln!(f, "{:<8} {}", line.status.as_str(), line.name())?;
            if let Some(message) = &line.message {
                writeln!(f, "         {message}")?;
            }
            if let Some(hint) = &line.hint {
                writeln!(f, "         hint: {hint}")?;
            }
        }
        let sums = &self.summary;
        write!(
            f,
            "{}: {} deleted, {} gone, {} kept, {} failed",
            counted(sums.planned, "line"),
            sums.deleted,
            sums.gone,
            sums.kept,
            sums.failed
        )?;
        if sums.skipped > 0 {
            write!(f, ", {} skipped", sums.skipped)?;
        }
        write!(f, ", {} freed", bytes(sums.bytes))?;
        f.write_str(if sums.interrupted {
            " (interrupted)\n"
        } else {
            "\n"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::document_schema;

    #[test]
    fn document_has_the_schema_of_the_documentation() {
        document_schema::assert_documented::<AppliedReport>("prune-apply");
    }
}
