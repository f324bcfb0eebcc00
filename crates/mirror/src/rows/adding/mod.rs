//! Rows to be added to the lists: what is wanted, what the lists say to it, and
//! writing it.

mod add;
mod checks;
mod edit;
mod lists;
mod outcome;
mod plan;
mod problem;
mod wanted;

pub(crate) use add::{Adding, add};
pub(crate) use checks::Checks;
pub(crate) use edit::Edit;
pub(crate) use outcome::{AddedRow, Additions, Outcome, PairProblem};
pub(crate) use plan::{Plan, PlannedRow, Verdict, plan};
pub(crate) use problem::AddProblem;
pub(crate) use wanted::{Destination, Pair, Wanted};
