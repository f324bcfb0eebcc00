//! Results as text for people and as the JSON of the contract.

mod added;
mod checked;
mod compared;
mod inspected;
mod locked;
mod retrieved;

pub(crate) use added::{AddedReport, unified_diff};
pub(crate) use checked::CheckedReport;
pub(crate) use compared::{ComparedJson, ComparedText};
pub(crate) use inspected::Inspected;
pub(crate) use locked::LockedReport;
pub(crate) use retrieved::{Explanation, Found, named, retrieved_json, retrieved_summary, sums};
