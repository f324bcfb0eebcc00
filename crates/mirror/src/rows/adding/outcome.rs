//! The result of a request to add images.

use images_list::Row;

use super::{AddProblem, Checks, Plan, PlannedRow, Verdict};
use crate::cli::exit::Exit;
use crate::files::list_file::RowLocation;
use crate::registries::availability::ImageTag;
use crate::registries::signature_check::ReportVerification;

/// The rows to add, and the problems of the other images.
#[derive(Debug, Default)]
pub(crate) struct AddOutcome {
    /// The rows to add, in the order of the request.
    pub(crate) rows: Vec<PlannedRow>,
    /// Existing rows that are not problems, and their locations.
    pub(crate) skipped: Vec<(Row, String)>,
    /// The problems. An image may have several.
    pub(crate) problems: Vec<ImageProblem>,
    /// Checks without a result that do not prevent an addition.
    pub(crate) warnings: Vec<String>,
    /// Lists that get rows are sorted.
    pub(crate) sort: bool,
}

/// A reason against adding an image.
#[derive(Debug)]
pub(crate) struct ImageProblem {
    /// The image.
    pub(crate) image: ImageTag,
    /// The reason.
    pub(crate) problem: AddProblem,
    /// A registry refused the credentials.
    pub(crate) refused: bool,
}

/// An added row.
#[derive(Debug, Clone)]
pub(crate) struct AddedRow {
    /// The row.
    pub(crate) row: Row,
    /// The location in the list after the addition.
    pub(crate) location: RowLocation,
    /// The signature of the image, where a policy requires one.
    pub(crate) verification: Option<ReportVerification>,
}

/// The result of [`super::add()`].
#[derive(Debug)]
pub(crate) struct Additions {
    /// The rows and problems of the images.
    pub(crate) outcome: AddOutcome,
    /// The added rows, in the order of the lists; those to add in a dry run.
    pub(crate) rows: Vec<AddedRow>,
    /// The changes as a patch, in a dry run.
    pub(crate) diff: Option<String>,
    /// The number of requested images.
    pub(crate) requested: usize,
    /// The number of images without problems.
    pub(crate) passed: usize,
    /// The images are new to the list and need approval.
    pub(crate) is_new: bool,
}

impl AddOutcome {
    /// Combines the plan with the results of the checks. `rows` has every image without problems.
    pub(crate) fn new(plan: Plan, checks: &Checks, skip_existing: bool) -> Self {
        let mut outcome = Self::default();
        let results: Vec<_> = plan
            .verdicts
            .iter()
            .map(|(image, verdict)| checks.result(image, verdict))
            .collect();
        for ((image, verdict), result) in plan.verdicts.into_iter().zip(results) {
            let passed = result.problems.is_empty();
            let mut problems = Vec::new();
            match verdict {
                Verdict::Add(row) if passed => outcome.rows.push(row),
                Verdict::Add(_) => {}
                Verdict::Present(planned, AddProblem::Present { location, .. })
                    if skip_existing =>
                {
                    outcome.skipped.push((planned.row, location));
                }
                Verdict::Present(_, problem) | Verdict::Refused(problem) => {
                    problems.push((problem, false));
                }
            }
            problems.extend(result.problems);
            let problems = problems.into_iter().map(|(problem, refused)| ImageProblem {
                image: image.clone(),
                problem,
                refused,
            });
            outcome.problems.extend(problems);
            for warning in result.warnings {
                if !outcome.warnings.contains(&warning) {
                    outcome.warnings.push(warning);
                }
            }
        }
        outcome
    }

    /// Returns the exit code.
    pub(crate) fn exit(&self) -> Exit {
        let problems = self.problems.len();
        let refused = self
            .problems
            .iter()
            .filter(|problem| problem.refused)
            .count();
        if problems > 0 && refused == problems {
            Exit::Refused
        } else {
            Exit::from_findings(problems > 0)
        }
    }
}
