//! Selecting the rows of a run from the lists.

use std::collections::HashMap;
use std::sync::Arc;

use image_name::full_repository;
use images_list::{Expansions, NumberedRow, Severity, Targets};
use registry_client::{Client, TagLists};

use super::changed_since::Base;
use super::followed::{self, FollowedEntries, FollowedEntry, ReportEntry};
use super::globs::Globs;
use super::locked_followed;
use super::mutable_args::{AllowEmptyArgs, MutableArgs};
use super::overrides::Overrides;
use super::partition::{group_names, shares};
use super::picked_rows::PickedRows;
pub(crate) use super::run_row::{ListedRow, RowNames, RunRow};
use super::select_args::{SelectArgs, SelectSettings};
use super::shard::Shard;
use super::target_args::{SelectedTargets, refuse_several};
use crate::cli::failure::{Failure, Finding};
use crate::files::config_file;
use crate::files::list_file::{self, ListFile, RowLocation};
use crate::files::targets_file;
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
    /// The followed entries of the configuration.
    pub(crate) followed: Vec<FollowedEntry>,
    /// The tag lists that were read for followed entries.
    pub(crate) tag_lists: Arc<TagLists>,
}

/// Returns the targets of the lists that the arguments select.
///
/// # Errors
///
/// As [`targets_file::require_valid`].
pub(crate) fn targets(session: &Session, args: &SelectArgs) -> Result<Arc<Targets>, Failure> {
    let settings = args.settings(&session.environment)?;
    let paths = list_file::paths(&session.common.images_list, settings.images_file);
    targets_file::require_valid(&session.common, &paths)
}

/// The origin of the rows of followed entries.
#[derive(Debug, Clone, Copy)]
enum FollowedRows<'a> {
    /// They are not part of the selection.
    None,
    /// The locks, which have the rows of earlier runs.
    Locked,
    /// Their version sources.
    Queried(&'a Client),
    /// Their version sources, for a command that needs every row: shards do not apply.
    AllQueried(&'a Client),
}

/// Reads the lists and selects rows. Followed entries are not part of it.
///
/// # Errors
///
/// [`Failure`] for lists that cannot be read or have invalid rows, for invalid patterns and unknown
/// revisions.
pub(crate) async fn select(session: &Session, args: &SelectArgs) -> Result<Selection, Failure> {
    select_rows(session, args, FollowedRows::None).await
}

/// Reads the lists, and the locks for the rows of followed entries, and selects all rows of the targets. No
/// request is sent, and shards do not apply.
///
/// # Errors
///
/// As [`select`]; [`Failure`] for an invalid lock.
pub(crate) async fn select_with_locked(
    session: &Session,
    args: &SelectArgs,
) -> Result<Selection, Failure> {
    select_rows(session, args, FollowedRows::Locked).await
}

/// Reads the lists, queries the followed entries of the configuration, and selects rows. An entry that
/// fails is part of the result.
///
/// # Errors
///
/// As [`select`]; [`Failure`] for an invalid configuration.
pub(crate) async fn select_with_followed(
    session: &Session,
    args: &SelectArgs,
    client: &Client,
) -> Result<Selection, Failure> {
    select_rows(session, args, FollowedRows::Queried(client)).await
}

/// As [`select_with_followed`], for a command that needs every row. Shards do not apply.
///
/// # Errors
///
/// As [`select_with_followed`].
pub(crate) async fn select_all_with_followed(
    session: &Session,
    args: &SelectArgs,
    client: &Client,
) -> Result<Selection, Failure> {
    select_rows(session, args, FollowedRows::AllQueried(client)).await
}

async fn select_rows(
    session: &Session,
    args: &SelectArgs,
    origin: FollowedRows<'_>,
) -> Result<Selection, Failure> {
    let settings = args.settings(&session.environment)?;
    let shard = match origin {
        FollowedRows::Locked | FollowedRows::AllQueried(_) => None,
        FollowedRows::None | FollowedRows::Queried(_) => {
            Shard::from_flag_or_job(args.shard, &session.environment)?
        }
    };
    let overrides = Overrides::parse(&settings)?;
    let patterns = Patterns::parse(args)?;
    let paths = list_file::paths(&session.common.images_list, settings.images_file);
    let base = match &args.changed_since {
        Some(revision) => Some(Base::find(session, revision, &paths).await?),
        None => None,
    };
    let targets = targets_file::require_valid(&session.common, &paths)?;
    let selected_targets = args.target.selected(&targets)?;
    let patterns = patterns.with_targets(&targets);
    let lists = list_file::read_all(&paths, &targets)?;
    refuse_invalid_rows(session, &lists)?;
    let (followed, locked) = match origin {
        FollowedRows::None => (FollowedEntries::default(), Vec::new()),
        FollowedRows::Locked => (FollowedEntries::default(), locked_followed::rows(&lists)?),
        FollowedRows::Queried(client) | FollowedRows::AllQueried(client) => {
            let entries = Box::pin(followed_entries(session, args, client, &targets)).await?;
            (entries, Vec::new())
        }
    };
    let FollowedEntries {
        entries: followed,
        tag_lists,
    } = followed;
    if !args.empty.is_allowed && locked.is_empty() {
        patterns.require_rows(&lists, &followed, args.changed_since.is_some())?;
    }
    let expansions = Expansions::new(&targets);
    let has_followed = !followed.is_empty() || !locked.is_empty();
    let mut picked = PickedRows::new(&overrides, expansions, has_followed);
    let selected = (&patterns, &selected_targets);
    Box::pin(pick_listed(&mut picked, &lists, base.as_ref(), selected)).await?;
    let entries = followed.iter().flat_map(FollowedEntry::listed_rows);
    pick_followed(&mut picked, entries.chain(locked), selected)?;
    picked.warn_of_conflicts(session);
    require_targets(args, &settings, &picked.rows, &lists)?;
    let mut selection = Selection {
        rows: picked.rows,
        other_rows: picked.other_rows,
        lists,
        shard,
        followed,
        tag_lists,
    };
    if let Some(shard) = shard {
        selection.keep(shard);
    }
    selection.warn_if_empty();
    Ok(selection)
}

/// Picks the rows of the lists: those that the revision of `--changed-since` does not have, and the
/// repositories that it did not write.
async fn pick_listed(
    picked: &mut PickedRows<'_>,
    lists: &[ListFile],
    base: Option<&Base<'_>>,
    (patterns, selected_targets): (&Patterns, &SelectedTargets),
) -> Result<(), Failure> {
    for (list, file) in lists.iter().enumerate() {
        let new = match base {
            Some(base) => Some(base.new_lines(list, file).await?),
            None => None,
        };
        let name: Arc<str> = file.name.as_str().into();
        for NumberedRow { line, row } in file.list.rows() {
            let is_new = new.as_ref().is_none_or(|new| new.contains(&line));
            let listed = ListedRow {
                list,
                row: row.clone(),
                location: RowLocation {
                    file: Arc::clone(&name),
                    line,
                },
                entry: None,
            };
            let is_selected = patterns.select(row);
            picked.add(listed, |written| {
                let is_new = is_new || base.is_some_and(|base| !base.wrote(row, written));
                is_selected && is_new && selected_targets.includes(written)
            })?;
        }
    }
    Ok(())
}

/// Picks the rows of followed entries.
fn pick_followed(
    picked: &mut PickedRows<'_>,
    rows: impl Iterator<Item = ListedRow>,
    (patterns, selected_targets): (&Patterns, &SelectedTargets),
) -> Result<(), Failure> {
    for listed in rows {
        let is_selected = patterns.select(&listed.row);
        picked.add(listed, |written| {
            is_selected && selected_targets.includes(written)
        })?;
    }
    Ok(())
}

/// Checks that the destinations fit `--dest-registry` and `--target`.
fn require_targets(
    args: &SelectArgs,
    settings: &SelectSettings<'_>,
    rows: &[RunRow],
    lists: &[ListFile],
) -> Result<(), Failure> {
    if settings.dest_registry.is_some() {
        refuse_several(rows.iter().filter_map(|row| row.target.as_deref()))?;
    }
    let may_be_empty = args.empty.is_allowed || args.changed_since.is_some();
    if !args.target.target.is_empty() && rows.is_empty() && !may_be_empty {
        return Err(args.target.no_row(lists));
    }
    Ok(())
}

/// Queries the followed entries. With `--changed-since` there are none, since no revision has their rows.
/// With `--no-follow` the configuration is not read.
async fn followed_entries(
    session: &Session,
    args: &SelectArgs,
    client: &Client,
    targets: &Targets,
) -> Result<FollowedEntries, Failure> {
    if args.no_follow {
        return Ok(FollowedEntries::default());
    }
    match config_file::read_followed(&session.common)? {
        Some(config) if args.changed_since.is_none() => {
            followed::retrieve(session, &config, client, targets).await
        }
        _ => Ok(FollowedEntries::default()),
    }
}

/// Returns a name for the group of each row: the first of the destination repositories that its
/// rows share, directly or through other rows. All destinations of a row are in one group.
fn connected(rows: &[RunRow]) -> Vec<String> {
    let mut written: HashMap<&images_list::Row, usize> = HashMap::new();
    let keys = rows.iter().map(|row| {
        let listed = row.listed.as_ref()?;
        let next = written.len();
        Some(*written.entry(&listed.row).or_insert(next))
    });
    let repositories = rows.iter().map(|row| full_repository(&row.row.destination));
    group_names(&repositories.zip(keys).collect::<Vec<_>>())
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

    fn with_targets(self, targets: &Arc<Targets>) -> Self {
        Self {
            selected: self.selected.with_targets(Arc::clone(targets)),
            excluded: self.excluded.with_targets(Arc::clone(targets)),
        }
    }

    fn select(&self, row: &images_list::Row) -> bool {
        self.selected.select(row) && !self.excluded.matches(row)
    }

    /// Checks that the lists have a row or that an entry is followed, that the patterns of each option
    /// match a row, and that `--exclude` leaves one. A list that `--changed-since` compares may be empty.
    fn require_rows(
        &self,
        lists: &[ListFile],
        entries: &[FollowedEntry],
        may_be_empty: bool,
    ) -> Result<(), Failure> {
        let listed = || lists.iter().flat_map(|file| file.list.rows());
        if listed().next().is_none() && entries.is_empty() && !may_be_empty {
            return Err(list_file::no_row(lists));
        }
        // The patterns may match rows of an entry that failed.
        if entries.iter().any(FollowedEntry::has_failed) {
            return Ok(());
        }
        let followed: Vec<images_list::Row> = entries
            .iter()
            .flat_map(FollowedEntry::rows)
            .cloned()
            .collect();
        let after_requests = |failure: Failure| match entries.len() {
            0 => failure,
            _ => failure.after_requests(),
        };
        for globs in [&self.selected, &self.excluded] {
            globs
                .require_a_row(lists, &followed)
                .map_err(after_requests)?;
        }
        let mut rows = listed().map(|at| at.row).chain(&followed);
        if self.excluded.is_empty() || rows.any(|row| self.select(row)) {
            return Ok(());
        }
        let message = "no row is left: --exclude leaves out every selected row; nothing was copied";
        Err(after_requests(Failure::unusable(message).hint(
            "correct the patterns; with --allow-empty this is no error".to_owned(),
        )))
    }
}

impl Selection {
    /// Returns the rows of the followed entries.
    pub(crate) fn followed_rows(&self) -> Vec<images_list::Row> {
        let rows = self.followed.iter().flat_map(FollowedEntry::rows);
        rows.cloned().collect()
    }

    /// Returns the patterns of rows with mutable tags. They may match rows of a followed entry that
    /// failed.
    ///
    /// # Errors
    ///
    /// As [`MutableArgs::mutable`].
    pub(crate) fn mutable(
        &self,
        args: &MutableArgs,
        empty: AllowEmptyArgs,
    ) -> Result<Globs, Failure> {
        let has_failed = self.followed.iter().any(FollowedEntry::has_failed);
        let empty = AllowEmptyArgs {
            is_allowed: empty.is_allowed || has_failed,
        };
        let mutable = args.mutable(&self.lists, &self.followed_rows(), empty);
        mutable.map_err(|failure| match self.followed.is_empty() {
            true => failure,
            false => failure.after_requests(),
        })
    }

    /// Returns the followed entries for reports.
    pub(crate) fn report_entries(&self) -> Vec<ReportEntry> {
        self.followed.iter().map(FollowedEntry::report).collect()
    }

    /// Returns a finding for each followed entry that failed.
    pub(crate) fn entry_findings(&self) -> Vec<Finding> {
        let findings = self.followed.iter().filter_map(FollowedEntry::finding);
        findings.collect()
    }

    /// Keeps the rows of a shard, and moves the rest to the other rows.
    fn keep(&mut self, shard: Shard) {
        let shares = shares(&connected(&self.rows), shard.count());
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
        // JSON or YAML, for example.
        let is_other_file = |file: &&ListFile| file.list.rows().next().is_none();
        let hint = match lists.iter().find(is_other_file) {
            Some(file) => format!(
                "no line of {} is a row `SOURCE DESTINATION TAG`: name the list with --images-list, or correct \
                 the rows",
                file.name
            ),
            None => "correct the rows, then check them with `mirror lint`".to_owned(),
        };
        return Err(Failure::unusable(message).hint(hint).problems(errors));
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
