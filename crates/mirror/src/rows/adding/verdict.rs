//! The verdict of the lists on an image.

use image_name::RepositoryName;
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

impl Verdict {
    /// Returns the row to add.
    pub(super) fn planned(&self) -> Option<&PlannedRow> {
        match self {
            Self::Add(planned) => Some(planned),
            Self::Present(..) | Self::Refused(_) => None,
        }
    }
}

/// A row and its list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PlannedRow {
    /// The row, with the spelling of its list.
    pub(crate) row: Row,
    /// The repositories that must exist and that no row of the lists writes: their existence is checked.
    pub(crate) new_repositories: Vec<RepositoryName>,
    /// The repositories that no row of the lists writes and that a run creates: a missing one is no
    /// problem.
    pub(crate) created_repositories: Vec<RepositoryName>,
    /// The index of the list.
    pub(crate) list: usize,
}
