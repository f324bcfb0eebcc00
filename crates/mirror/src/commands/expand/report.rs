//! The output of `expand`.

use std::collections::HashSet;
use std::fmt;

use image_name::{RepositoryName, full_repository, tag_or_digest};
use images_list::{Row, compare_lines};
use serde::Serialize;

use crate::cli::failure::Failure;
use crate::rows::followed::ReportEntry;
use crate::rows::selection::{RunRow, Selection};

/// The rows of a run, each once, in the order of a list.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ExpandedRows {
    /// The rows.
    rows: Vec<ExpandedRow>,
    /// The followed entries of the configuration.
    entries: Vec<ReportEntry>,
}

/// A row.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct ExpandedRow {
    /// The source repository with its host.
    source: String,
    /// The destination repository with its host.
    destination: String,
    /// The tag, or a digest.
    tag: String,
    /// The tags that `TAG=TAG,TAG` writes, if the row has them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    destination_tags: Vec<String>,
    /// The digest of `TAG@DIGEST`, if the row has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pin: Option<String>,
    /// The followed entry that gives the row; `null` for a row of a list.
    entry: Option<String>,
    /// The line of a list.
    line: String,
}

impl ExpandedRows {
    /// Creates the rows of a selection, those of followed entries alone with `only_followed`.
    ///
    /// # Errors
    ///
    /// [`Failure`] for a destination that is not a repository.
    pub(crate) fn new(
        selection: &Selection,
        only_followed: bool,
        is_narrowed: bool,
    ) -> Result<Self, Failure> {
        let mut rows = Vec::new();
        let mut seen = HashSet::new();
        for run in &selection.rows {
            let Some(listed) = &run.listed else { continue };
            if only_followed && listed.entry.is_none() {
                continue;
            }
            // A row that writes several tags is one line.
            let row = match listed.row.destination.targets() {
                // All destinations of the row are one line too.
                Some(_) if !is_narrowed => listed.row.clone(),
                _ => with_run_destination(&listed.row, run)?,
            };
            if seen.insert(row.clone()) {
                let entry = listed.entry.as_ref().map(ToString::to_string);
                rows.push(ExpandedRow::new(&row, run, entry));
            }
        }
        rows.sort_by(|one, other| compare_lines(&one.line, &other.line));
        Ok(Self {
            rows,
            entries: selection.report_entries(),
        })
    }
}

/// Returns the row with the destination that options override.
fn with_run_destination(row: &Row, run: &RunRow) -> Result<Row, Failure> {
    let written = row.destination.repository().map(RepositoryName::full);
    let destination = full_repository(&run.row.destination);
    if written.as_ref() == Some(&destination) {
        return Ok(row.clone());
    }
    let destination: RepositoryName = destination.parse().map_err(|error| {
        Failure::unusable(format!("{destination} is not a repository: {error}"))
    })?;
    Ok(Row {
        destination: destination.into(),
        ..row.clone()
    })
}

impl ExpandedRow {
    fn new(row: &Row, run: &RunRow, entry: Option<String>) -> Self {
        let tags = row.tag.destinations();
        let is_renamed = *tags != [row.tag.source().clone()];
        let tags = tags.iter().filter(|_| is_renamed).map(ToString::to_string);
        Self {
            source: full_repository(&run.row.source),
            destination: row.destination.full(),
            tag: tag_or_digest(&run.row.source).to_owned(),
            destination_tags: tags.collect(),
            pin: row.tag.pin().map(ToString::to_string),
            entry,
            line: row.to_string(),
        }
    }
}

impl fmt::Display for ExpandedRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rows = self.rows.iter();
        rows.try_for_each(|row| writeln!(f, "{}", row.line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::document_schema;

    #[test]
    fn document_has_the_schema_of_the_documentation() {
        document_schema::assert_documented::<ExpandedRows>("expand");
    }
}
