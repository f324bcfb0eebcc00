//! What a request to add images comes to.

use images_list::Row;

use super::{AddProblem, AddRequest, Checks, Plan, PlannedRow, Verdict};
use crate::cli::exit::Exit;
use crate::registries::availability::ImageTag;

/// What is added, what is not, and why.
#[derive(Debug, Default)]
pub(crate) struct AddOutcome {
    /// The rows to add, in the order of the request.
    pub(crate) rows: Vec<PlannedRow>,
    /// What the lists have already, where that is no problem, and where.
    pub(crate) skipped: Vec<(Row, String)>,
    /// What stands against an image. Several may stand against one.
    pub(crate) problems: Vec<ImageProblem>,
    /// What could not be checked and is no problem.
    pub(crate) warnings: Vec<String>,
}

/// An image and what stands against adding it.
#[derive(Debug)]
pub(crate) struct ImageProblem {
    /// The image.
    pub(crate) image: ImageTag,
    /// What is wrong.
    pub(crate) problem: AddProblem,
    /// Whether a registry refused who we are.
    pub(crate) refused: bool,
}

/// A row and where its list has it now.
#[derive(Debug, Clone)]
pub(crate) struct AddedRow {
    /// The row.
    pub(crate) row: Row,
    /// The list's name.
    pub(crate) file: String,
    /// The row's line, counted from 1.
    pub(crate) line: usize,
}

/// What was added to the lists, or would be, and what was not.
#[derive(Debug)]
pub(crate) struct Additions {
    /// What came of each image.
    pub(crate) outcome: AddOutcome,
    /// The rows added, or that would be, in the order of the lists.
    pub(crate) rows: Vec<AddedRow>,
    /// What would change, where nothing was to be written.
    pub(crate) diff: Option<String>,
    /// How many images were asked for.
    pub(crate) asked: usize,
    /// How many of them nothing stands against.
    pub(crate) passed: usize,
    /// Whether they are new to the list and need approval.
    pub(crate) is_new: bool,
}

impl AddOutcome {
    /// Puts together what the lists and the registries say. `rows` are those
    /// that nothing stands against, whatever stands against others.
    pub(crate) fn new(
        plan: Plan,
        checks: &Checks,
        request: &AddRequest,
        skip_existing: bool,
    ) -> Self {
        let mut outcome = Self::default();
        let answers: Vec<_> = plan
            .verdicts
            .iter()
            .map(|(image, verdict)| checks.result(image, verdict, &plan, request))
            .collect();
        for ((image, verdict), answer) in plan.verdicts.into_iter().zip(answers) {
            let stands_against = !answer.problems.is_empty();
            let mut problems = Vec::new();
            match verdict {
                Verdict::Add(row) if !stands_against => outcome.rows.push(row),
                Verdict::Add(_) => {}
                Verdict::Present(planned, AddProblem::Present { place, .. }) if skip_existing => {
                    outcome.skipped.push((planned.row, place));
                }
                Verdict::Present(_, problem) | Verdict::Refused(problem) => {
                    problems.push((problem, false));
                }
            }
            problems.extend(answer.problems);
            let problems = problems.into_iter().map(|(problem, refused)| ImageProblem {
                image: image.clone(),
                problem,
                refused,
            });
            outcome.problems.extend(problems);
            for warning in answer.warnings {
                if !outcome.warnings.contains(&warning) {
                    outcome.warnings.push(warning);
                }
            }
        }
        outcome
    }

    /// The exit code.
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
