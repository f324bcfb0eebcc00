//! A followed entry with its rows.

use images_list::{Checker, EntryName, List, Row, Severity, Targets};
use registry_client::cut_sent_secrets;
use tag_retrieval::config::Entry;
use tag_retrieval::{EntryError, FollowError, FollowedTags, Outcome, RetrievalError};

use super::report_entry::{ReportEntry, ReportEntryError};
use crate::cli::failure::Finding;
use crate::files::list_file::RowLocation;
use crate::rows::run_row::ListedRow;
use crate::terminal::hints::{self, Operation};

/// A followed entry of the configuration, after its version source was queried.
#[derive(Debug)]
pub(crate) struct FollowedEntry {
    /// The name of the entry.
    pub(crate) name: EntryName,
    /// The line of the configuration that the entry begins on.
    pub(crate) location: RowLocation,
    /// The rows, or the error of an entry that failed.
    pub(crate) result: Result<FollowedRows, ReportEntryError>,
}

/// The rows of a followed entry.
#[derive(Debug, Default)]
pub(crate) struct FollowedRows {
    /// The rows.
    list: List,
    /// The tags of the rows, and the versions that are not followed.
    pub(crate) tags: FollowedTags,
}

impl FollowedEntry {
    /// Creates the entry from the outcome of its source. `None` for an entry that is not followed.
    pub(super) fn new(
        config: &str,
        Outcome { entry, result }: Outcome<'_>,
        targets: &Targets,
    ) -> Option<Self> {
        let follow = entry.follow?;
        let retrieved = result.map_err(|error| retrieval_error(entry, &error));
        let rows = retrieved.and_then(|retrieved| {
            let tags = FollowedTags::new(entry, follow, retrieved);
            let tags = tags.map_err(|error| follow_error(&error))?;
            FollowedRows::new(tags, targets).map_err(ReportEntryError::new)
        });
        Some(Self {
            // Parsing the configuration has checked the name.
            name: entry.name.parse().ok()?,
            location: RowLocation {
                file: config.into(),
                line: entry.line,
            },
            result: rows,
        })
    }

    /// Returns the rows; none if the entry failed.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &Row> {
        let rows = self.result.as_ref().ok();
        rows.into_iter()
            .flat_map(|rows| rows.list.rows())
            .map(|at| at.row)
    }

    /// Returns the rows for a run. They are locked beside the first list.
    pub(crate) fn listed_rows(&self) -> impl Iterator<Item = ListedRow> {
        self.rows().map(|row| ListedRow {
            list: 0,
            row: row.clone(),
            location: self.location.clone(),
            entry: Some(self.name.clone()),
        })
    }

    /// Returns true if the entry failed.
    pub(crate) fn has_failed(&self) -> bool {
        self.result.is_err()
    }

    /// Returns a finding for an entry that failed.
    pub(crate) fn finding(&self) -> Option<Finding> {
        let error = self.result.as_ref().err()?;
        let hint = error.hint.as_ref().map(|hint| format!(" ({hint})"));
        let message = format!(
            "{}: {}{}",
            self.name,
            error.message,
            hint.unwrap_or_default()
        );
        Some(self.location.finding(message))
    }

    /// Returns the entry for reports.
    pub(crate) fn report(&self) -> ReportEntry {
        ReportEntry {
            entry: self.name.to_string(),
            rows: self.rows().count(),
            error: self.result.as_ref().err().cloned(),
        }
    }
}

impl FollowedRows {
    /// Creates the rows of tags.
    ///
    /// # Errors
    ///
    /// A message for names that are invalid in a row: the grammar of lists is stricter than that of the
    /// configuration.
    pub(super) fn new(tags: FollowedTags, targets: &Targets) -> Result<Self, String> {
        let lines = tags.tags.iter();
        let lines = lines.map(|one| format!("{} {} {}\n", one.source, one.destination, one.tag));
        let list = List::parse(&lines.collect::<String>());
        let problems = Checker::new(targets).check("", &list);
        let mut problems = problems.iter();
        match problems.find(|problem| problem.severity() == Severity::Error) {
            None => Ok(Self { list, tags }),
            Some(problem) => Err(problem.to_string()),
        }
    }
}

fn follow_error(error: &FollowError) -> ReportEntryError {
    let is_above = matches!(error, FollowError::Maximum { .. });
    ReportEntryError {
        hint: is_above.then(|| "narrow the filters, or raise `maximum`".to_owned()),
        ..ReportEntryError::new(error.to_string())
    }
}

fn retrieval_error(entry: &Entry, error: &EntryError) -> ReportEntryError {
    let message = cut_sent_secrets(&error.to_string()).into_owned();
    let EntryError::Retrieval(RetrievalError::Registry(wire)) = error else {
        return ReportEntryError::new(message);
    };
    let first = entry.source.images().first();
    let image = first.and_then(|image| format!("{}:latest", image.source).parse().ok());
    let hint = image.and_then(|image| hints::for_request(Operation::Read, &image, wire));
    ReportEntryError {
        message,
        hint,
        refused: wire.is_refused(),
    }
}
