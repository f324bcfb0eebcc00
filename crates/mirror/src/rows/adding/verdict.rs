//! The verdict of the lists on an image.

use images_list::Row;

use super::AddProblem;

/// The verdict of the lists on an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The image is new and can be added.
    Add(PlannedRow),
    /// A list already has the row.
    Present(PlannedRow, AddProblem),
    /// The image cannot be added.
    Refused(AddProblem),
}

/// A row and its list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PlannedRow {
    /// The row, with the spelling of its list.
    pub(crate) row: Row,
    /// The index of the list.
    pub(crate) list: usize,
}
