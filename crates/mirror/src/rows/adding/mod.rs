//! Adding images to the lists: the request, the plan from the lists, the checks at the registries,
//! and the write.

mod add;
mod checks;
mod combined_index;
mod edit;
mod outcome;
mod plan;
mod problem;
mod report;
mod request;
mod verdict;

pub(crate) use add::{AddOptions, add};
pub(crate) use checks::Checks;
pub(crate) use edit::ListEdit;
pub(crate) use outcome::{AddOutcome, AddedRow, Additions, ImageProblem};
pub(crate) use plan::{Plan, plan};
pub(crate) use problem::AddProblem;
pub(crate) use report::AddedReport;
pub(crate) use request::{AddRequest, DestinationChoice};
pub(crate) use verdict::{PlannedRow, Verdict};
