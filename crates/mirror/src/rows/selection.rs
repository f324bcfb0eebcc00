//! Selecting the rows of a run from the lists.

use image_name::full_repository;
use images_list::{NumberedRow, Severity};

use super::changed_since::Base;
use super::globs::Globs;
use super::overrides::Overrides;
use super::partition::shares;
use super::select_args::SelectArgs;
use super::shard::Shard;
use crate::cli::failure::{Failure, Finding};
use crate::files::list_file::{self, ListFile, RowLocation};
use crate::session::Session;
use crate::terminal::github_actions::{self, Level};

/// The rows of a run.
#[derive(Debug)]
pub(crate) struct Selection {
    /// The tags that the selected rows write, in the order of the lists.
    pub(crate) rows: Vec<RunRow>,
    /// The other rows. Their destinations may have blobs to mount.
    pub(crate) other_rows: Vec<copier::Row>,
    /// The lists.
    pub(crate) lists: Vec<ListFile>,
    /// The shard, if the rows are those of one.
    pub(crate) shard: Option<Shard>,
}

/// One tag that a row writes in a run.
#[derive(Debug, Clone)]
pub(crate) struct RunRow {
    /// The row for the engine, its destination overridden.
    pub(crate) row: copier::Row,
    /// The row of a list; `None` for the image of `mirror copy`.
    pub(crate) listed: Option<ListedRow>,
}

/// A row of a list.
#[derive(Debug, Clone)]
pub(crate) struct ListedRow {
    /// The index of the list in [`Selection::lists`].
    pub(crate) list: usize,
    /// The row as written.
    pub(crate) row: images_list::Row,
    /// The file and the line.
    pub(crate) location: RowLocation,
}

/// Reads the lists and selects rows.
///
/// # Errors
///
/// [`Failure`] for lists that cannot be read or have invalid rows, for invalid patterns and unknown
/// revisions.
pub(crate) async fn select(session: &Session, args: &SelectArgs) -> Result<Selection, Failure> {
    let settings = args.settings(&session.environment)?;
    let shard = Shard::from_flag_or_job(args.shard, &session.environment)?;
    let overrides = Overrides::parse(&settings)?;
    let patterns = Patterns::parse(args)?;
    let paths = list_file::paths(&session.common.images_list, settings.images_file);
    let base = match &args.changed_since {
        Some(revision) => Some(Base::find(session, revision, &paths).await?),
        None => None,
    };
    let lists = list_file::read_all(&paths)?;
    refuse_invalid_rows(session, &lists)?;
    if !args.empty.is_allowed {
        patterns.require_rows(&lists, args.changed_since.is_some())?;
    }
    let mut rows = Vec::new();
    let mut other_rows = Vec::new();
    for (list, file) in lists.iter().enumerate() {
        let new = match &base {
            Some(base) => Some(base.new_lines(list, file).await?),
            None => None,
        };
        for NumberedRow { line, row } in file.list.rows() {
            let is_new = new.as_ref().is_none_or(|new| new.contains(&line));
            let is_selected = is_new && patterns.select(row);
            let destination = overrides.apply(&row.destination)?;
            for tag in row.tag.destinations() {
                let copied = copier::Row {
                    source: row.source_reference(),
                    destination: destination.reference(tag),
                    approved: None,
                };
                if !is_selected {
                    other_rows.push(copied);
                    continue;
                }
                let listed = ListedRow {
                    list,
                    row: row.clone(),
                    location: file.location(line),
                };
                rows.push(RunRow {
                    row: copied,
                    listed: Some(listed),
                });
            }
        }
    }
    let mut selection = Selection {
        rows,
        other_rows,
        lists,
        shard,
    };
    if let Some(shard) = shard {
        selection.keep(shard);
    }
    selection.warn_if_empty();
    Ok(selection)
}

/// The patterns of `--match` and `--exclude`.
#[derive(Debug)]
struct Patterns {
    selected: Globs,
    excluded: Globs,
}

impl Patterns {
    fn parse(args: &SelectArgs) -> Result<Self, Failure> {
        Ok(Self {
            selected: Globs::parse("--match", &args.globs)?,
            excluded: Globs::parse("--exclude", &args.exclude)?,
        })
    }

    fn select(&self, row: &images_list::Row) -> bool {
        self.selected.select(row) && !self.excluded.matches(row)
    }

    /// Checks that the lists have a row, that the patterns of each option match one, and that
    /// `--exclude` leaves one. A list that `--changed-since` compares may be empty.
    fn require_rows(&self, lists: &[ListFile], may_be_empty: bool) -> Result<(), Failure> {
        let rows = || lists.iter().flat_map(|file| file.list.rows());
        if rows().next().is_none() && !may_be_empty {
            return Err(list_file::no_row(lists));
        }
        self.selected.require_a_row(lists)?;
        self.excluded.require_a_row(lists)?;
        if self.excluded.is_empty() || rows().any(|at| self.select(at.row)) {
            return Ok(());
        }
        let message = "no row is left: --exclude leaves out every selected row; nothing was sent";
        Err(Failure::unusable(message)
            .hint("correct the patterns; with --allow-empty this is no error".to_owned()))
    }
}

impl Selection {
    /// Keeps the rows of a shard, and moves the rest to the other rows.
    fn keep(&mut self, shard: Shard) {
        let repository = |row: &RunRow| full_repository(&row.row.destination);
        let destinations: Vec<String> = self.rows.iter().map(repository).collect();
        let shares = shares(&destinations, shard.count());
        for (row, share) in std::mem::take(&mut self.rows).into_iter().zip(shares) {
            if share == shard.index() {
                self.rows.push(row);
            } else {
                self.other_rows.push(row.row);
            }
        }
    }

    fn warn_if_empty(&self) {
        match self.shard {
            _ if !self.rows.is_empty() => {}
            Some(shard) => tracing::warn!("shard {shard} has no rows: nothing to do"),
            None => tracing::warn!("no rows are selected: nothing to do"),
        }
    }
}

impl RunRow {
    /// Returns a finding at the line of the row; `None` for a row without a list.
    pub(crate) fn finding(&self, message: String) -> Option<Finding> {
        let listed = self.listed.as_ref()?;
        Some(listed.location.finding(message))
    }
}

/// Refuses lists with invalid rows before the first request. Other problems are warnings.
///
/// # Errors
///
/// [`Failure`] that names every invalid row.
pub(crate) fn refuse_invalid_rows(session: &Session, lists: &[ListFile]) -> Result<(), Failure> {
    let found = list_file::check(lists);
    let of = |severity| {
        let those = found.iter().filter(move |found| found.severity == severity);
        those
            .map(|found| found.finding.clone())
            .collect::<Vec<Finding>>()
    };
    let (errors, warnings) = (of(Severity::Error), of(Severity::Warning));
    if !errors.is_empty() {
        let message = match errors.len() {
            1 => "1 invalid row in the list; nothing was sent".to_owned(),
            many => format!("{many} invalid rows in the list; nothing was sent"),
        };
        return Err(Failure::unusable(message)
            .hint("correct the rows, then check them with `mirror lint`".to_owned())
            .problems(errors));
    }
    github_actions::annotate(
        session.environment.github.as_ref(),
        Level::Warning,
        &warnings,
    );
    for finding in warnings {
        tracing::warn!("{finding}");
    }
    Ok(())
}
