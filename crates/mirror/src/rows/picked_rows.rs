//! The rows of a run while they are selected.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use images_list::{Expansions, WrittenRepository};
use oci_spec::distribution::Reference;

use super::overrides::Overrides;
use super::run_row::{ListedRow, RunRow};
use crate::cli::failure::{Failure, Finding};
use crate::files::list_file::RowLocation;
use crate::session::Session;
use crate::terminal::github_actions::{self, Level};

/// The rows of a run while they are selected.
pub(super) struct PickedRows<'a> {
    overrides: &'a Overrides,
    expansions: Expansions<'a>,
    pub(super) rows: Vec<RunRow>,
    pub(super) other_rows: Vec<copier::Row>,
    /// The source and the location of the first row of each destination, if there are followed entries.
    first: Option<HashMap<Reference, (Reference, RowLocation)>>,
    /// Destinations of followed rows that an earlier row writes from another source.
    conflicts: Vec<Finding>,
}

impl<'a> PickedRows<'a> {
    pub(super) fn new(
        overrides: &'a Overrides,
        expansions: Expansions<'a>,
        has_followed: bool,
    ) -> Self {
        Self {
            overrides,
            expansions,
            rows: Vec::new(),
            other_rows: Vec::new(),
            first: has_followed.then(HashMap::new),
            conflicts: Vec::new(),
        }
    }

    /// Adds the tags that a row writes to each repository of its destination. A followed row with the source
    /// and destination of an earlier row is left out.
    pub(super) fn add(
        &mut self,
        listed: ListedRow,
        is_selected: impl Fn(&WrittenRepository) -> bool,
    ) -> Result<(), Failure> {
        // Rows with unknown targets were refused.
        let written = self
            .expansions
            .expand(&listed.row.destination)
            .unwrap_or_default();
        for written in written.iter() {
            let destination = self.overrides.apply(&written.repository)?;
            for tag in listed.row.tag.destinations() {
                let source = listed.row.source_reference();
                let row = copier::Row::new(source, destination.reference(tag));
                if self.is_repeated(&listed, &row) {
                    continue;
                }
                if !is_selected(written) {
                    self.other_rows.push(row);
                    continue;
                }
                self.rows.push(RunRow {
                    row,
                    target: written.target.clone(),
                    listed: Some(listed.clone()),
                    names: None,
                });
            }
        }
        Ok(())
    }

    /// Returns true for a followed row with the source and destination of an earlier row. Records a conflict
    /// if only the sources differ.
    fn is_repeated(&mut self, listed: &ListedRow, row: &copier::Row) -> bool {
        let Some(first) = &mut self.first else {
            return false;
        };
        let (source, location) = match first.entry(row.destination.clone()) {
            Entry::Occupied(first) => first.into_mut(),
            Entry::Vacant(vacant) => {
                vacant.insert((row.source.clone(), listed.location.clone()));
                return false;
            }
        };
        if listed.entry.is_none() || *source == row.source {
            return listed.entry.is_some();
        }
        self.conflicts.push(listed.location.finding(format!(
            "`{}` has two sources, `{}` here and `{source}` on {location}: change a destination, or \
             `exclude` the tag",
            row.destination, row.source
        )));
        false
    }

    pub(super) fn warn_of_conflicts(&self, session: &Session) {
        let github = session.environment.github.as_ref();
        github_actions::annotate(github, Level::Warning, &self.conflicts);
        for conflict in &self.conflicts {
            tracing::warn!("{conflict}");
        }
    }
}
