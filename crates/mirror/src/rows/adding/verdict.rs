//! Whether the lists allow an image.

use images_list::Row;

use super::AddProblem;

/// The verdict of the lists on an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is new, and has its destination.
    Add(PlannedRow),
    /// A list has the row already.
    Present(PlannedRow, AddProblem),
    /// It cannot be added.
    Refused(AddProblem),
}

/// A row and its list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PlannedRow {
    /// The row, spelled as its list spells the names.
    pub(crate) row: Row,
    /// The index of the list among those that were named.
    pub(crate) list: usize,
}
