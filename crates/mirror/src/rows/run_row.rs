//! The rows of a run.

use std::sync::Arc;

use copier::RowError;
use images_list::{EntryName, Target};

use crate::cli::failure::Finding;
use crate::files::list_file::RowLocation;
use crate::registries::named_image::NamedImage;
use crate::terminal::hints;

/// One tag that a row writes in a run.
#[derive(Debug, Clone)]
pub(crate) struct RunRow {
    /// The row for the engine, with overrides applied to its destination.
    pub(crate) row: copier::Row,
    /// The target of the destination, `None` for a repository that the row names itself.
    pub(crate) target: Option<Arc<Target>>,
    /// The row as written; `None` for the image of `mirror copy`.
    pub(crate) listed: Option<ListedRow>,
    /// The names of the images, if one of them is in a file; `None` for a row of a list.
    pub(crate) names: Option<Box<RowNames>>,
}

/// The images of a row.
#[derive(Debug, Clone)]
pub(crate) struct RowNames {
    /// The source.
    pub(crate) source: NamedImage,
    /// The destination.
    pub(crate) destination: NamedImage,
}

/// A row of a list, or of a followed entry.
#[derive(Debug, Clone)]
pub(crate) struct ListedRow {
    /// The index in `Selection::lists` of the list with the row's lock; the first list for a followed entry.
    pub(crate) list: usize,
    /// The row as written.
    pub(crate) row: images_list::Row,
    /// The file and line of the row; those of the entry for a followed entry.
    pub(crate) location: RowLocation,
    /// The followed entry that gives the row; `None` for a row of a list.
    pub(crate) entry: Option<EntryName>,
}

impl RunRow {
    /// Returns the names of the images that are printed.
    pub(crate) fn names(&self) -> RowNames {
        match &self.names {
            Some(names) => (**names).clone(),
            None => RowNames {
                source: NamedImage::at_registry(self.row.source.clone()),
                destination: NamedImage::at_registry(self.row.destination.clone()),
            },
        }
    }

    /// Returns the message of an error, with the names of the images that are printed.
    pub(crate) fn message(&self, error: &RowError) -> String {
        let message = error.message(&self.row);
        match &self.names {
            Some(names) => {
                let message = names.source.named_in(&message);
                names.destination.named_in(&message).into_owned()
            }
            None => message,
        }
    }

    /// Returns the name of the destination's target, for reports.
    pub(crate) fn target_name(&self) -> Option<String> {
        let target = self.target.as_ref()?;
        Some(target.name.to_string())
    }

    /// Returns the name of the followed entry that gives the row.
    pub(crate) fn entry(&self) -> Option<&EntryName> {
        self.listed.as_ref()?.entry.as_ref()
    }

    /// Returns the hint for the failure of the row.
    pub(crate) fn hint(&self, error: &RowError) -> Option<String> {
        let is_file = |image: fn(&RowNames) -> &NamedImage| {
            self.names
                .as_ref()
                .is_some_and(|names| image(names).is_file())
        };
        match (self.entry(), error) {
            // A hint about a registry does not help with a file.
            (_, RowError::Read(_) | RowError::Manifest(_)) if is_file(|names| &names.source) => {
                None
            }
            (_, RowError::Write(_)) if is_file(|names| &names.destination) => None,
            // The tag of a followed entry is in no list where it could be corrected.
            (Some(entry), RowError::SourceMissing { .. }) if self.row.approved.is_none() => {
                Some(format!(
                    "the image may not be published yet: run again later, or `exclude` the tag in the \
                     entry {entry}"
                ))
            }
            // The image of `mirror copy` is in no row.
            (None, RowError::SourceMissing { .. }) if self.listed.is_none() => {
                Some(hints::for_missing_image(&self.row.source))
            }
            (None, RowError::ForeignLayer(_)) if self.listed.is_none() => {
                Some(hints::for_foreign_layer(&self.row.destination))
            }
            _ => hints::for_row(&self.row, error),
        }
    }

    /// Returns a finding at the line of the row; `None` for a row without a list.
    pub(crate) fn finding(&self, message: String) -> Option<Finding> {
        let listed = self.listed.as_ref()?;
        Some(listed.location.finding(message))
    }
}
