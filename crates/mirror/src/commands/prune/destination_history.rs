//! The destinations that rows wrote in the history of the list: replayed from its changes.

use std::collections::{HashMap, HashSet};

use image_name::{ManifestReference, RepositoryName, Tag};
use images_list::{List, Lock, Row, Targets};
use prune_plan::Removal;

use super::standing::Standing;
use crate::cli::failure::Failure;
use crate::git::FileRevision;
use crate::rows::overrides::Overrides;

/// A destination of a row.
pub(super) type Destination = (RepositoryName, Tag);

/// A file whose changes are replayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TrackedFile {
    /// A list.
    List,
    /// The lock of a list.
    Lock,
    /// The targets of the lists.
    Targets,
}

/// The replayed history.
#[derive(Debug)]
pub(super) struct DestinationHistory<'a> {
    overrides: &'a Overrides,
    /// The rows of all lists, with their number.
    rows: HashMap<Row, usize>,
    /// All destinations that a row wrote.
    destinations: HashMap<Destination, FormerDestination>,
    /// All rows by the image at their source, for images that are used under their source name.
    sources: HashMap<Destination, Vec<Destination>>,
    /// All targets files so far. The last one is in effect.
    targets: Vec<(Targets, Standing)>,
    /// The lines of all locks.
    locked: HashMap<String, Standing>,
    /// The time of the last commit, at least that of its parent and at most `now`: the author of a commit chooses
    /// its time.
    time: i64,
    now: i64,
}

/// A destination that a row wrote.
#[derive(Debug, Default)]
struct FormerDestination {
    /// The number of rows that write it now.
    rows: usize,
    standing: Standing,
    /// The last commit that made the number zero.
    removal: Option<Removal>,
}

impl<'a> DestinationHistory<'a> {
    /// Creates an empty history. `now` is in seconds since 1970.
    pub(super) fn new(overrides: &'a Overrides, now: i64) -> Self {
        Self {
            overrides,
            rows: HashMap::new(),
            destinations: HashMap::new(),
            sources: HashMap::new(),
            targets: vec![(Targets::default(), Standing::since(i64::MIN))],
            locked: HashMap::new(),
            time: i64::MIN,
            now,
        }
    }

    /// Sets the targets of all commits, where they have no history.
    pub(super) fn set_targets(&mut self, targets: Targets) {
        let standing = Standing::since(i64::MIN);
        self.targets = vec![(targets, standing)];
    }

    /// Applies a commit. `targets` is the targets file of the commit, if the commit changed it.
    ///
    /// # Errors
    ///
    /// [`Failure`] for a destination that cannot be overridden.
    pub(super) fn apply(
        &mut self,
        revision: &FileRevision,
        files: &[TrackedFile],
        targets: Option<Targets>,
    ) -> Result<(), Failure> {
        self.time = self.time.max(revision.time.min(self.now));
        let removal = Removal::Row {
            commit: revision.commit.clone(),
            time: self.time,
        };
        let before: Vec<Row> = self.rows.keys().cloned().collect();
        if let Some(targets) = targets {
            let old = self.expand_all(&before)?;
            if let Some((_, standing)) = self.targets.last_mut() {
                standing.end(self.time);
            }
            self.targets.push((targets, Standing::since(self.time)));
            let new = self.expand_all(&before)?;
            self.count(&new, &old, &removal);
        }
        let (mut added, mut removed) = (Vec::new(), Vec::new());
        for change in &revision.files {
            match files.get(change.file) {
                Some(TrackedFile::List) => {
                    added.extend(rows(&change.added));
                    removed.extend(rows(&change.removed));
                }
                Some(TrackedFile::Lock) => self.change_lock(&change.removed, &change.added),
                Some(TrackedFile::Targets) | None => {}
            }
        }
        let (added, removed) = self.changed(added, removed);
        self.add_sources(&added)?;
        let (added, removed) = (self.expand_all(&added)?, self.expand_all(&removed)?);
        self.count(&added, &removed, &removal);
        Ok(())
    }

    /// Records the lines of a lock. Lines that only move are removed and added.
    fn change_lock(&mut self, removed: &[String], added: &[String]) {
        let time = self.time;
        let stays: HashSet<&String> = added.iter().collect();
        for line in removed.iter().filter(|line| !stays.contains(line)) {
            self.locked.entry(line.clone()).or_default().end(time);
        }
        for line in added {
            self.locked.entry(line.clone()).or_default().begin(time);
        }
    }

    /// Counts rows, and returns those that no list had before and those that no list has any more.
    fn changed(&mut self, added: Vec<Row>, removed: Vec<Row>) -> (Vec<Row>, Vec<Row>) {
        let mut change: HashMap<Row, i64> = HashMap::new();
        for row in added {
            *change.entry(row).or_default() += 1;
        }
        for row in removed {
            *change.entry(row).or_default() -= 1;
        }
        let (mut begun, mut ended) = (Vec::new(), Vec::new());
        for (row, change) in change {
            let before = self.rows.get(&row).copied().unwrap_or_default();
            let size = usize::try_from(change.unsigned_abs()).unwrap_or(usize::MAX);
            let now = match change >= 0 {
                true => before.saturating_add(size),
                false => before.saturating_sub(size),
            };
            match (before, now) {
                (0, 0) => continue,
                (0, _) => begun.push(row.clone()),
                (_, 0) => ended.push(row.clone()),
                _ => {}
            }
            match now {
                0 => drop(self.rows.remove(&row)),
                now => drop(self.rows.insert(row, now)),
            }
        }
        (begun, ended)
    }

    /// Counts destinations that rows write now, and those that they no longer write.
    fn count(&mut self, added: &[Destination], removed: &[Destination], removal: &Removal) {
        let time = self.time;
        for destination in added {
            let former = self.destinations.entry(destination.clone()).or_default();
            former.rows += 1;
            former.standing.begin(time);
        }
        for destination in removed {
            let former = self.destinations.entry(destination.clone()).or_default();
            former.rows = former.rows.saturating_sub(1);
        }
        for destination in removed {
            if let Some(former) = self.destinations.get_mut(destination)
                && former.rows == 0
            {
                former.standing.end(time);
                former.removal = Some(removal.clone());
            }
        }
    }

    fn add_sources(&mut self, rows: &[Row]) -> Result<(), Failure> {
        for row in rows {
            if let ManifestReference::Tag(tag) = row.tag.source() {
                let written = self.expand_all(std::slice::from_ref(row))?;
                let key = (row.source.clone(), tag.clone());
                self.sources.entry(key).or_default().extend(written);
            }
        }
        Ok(())
    }

    fn expand_all(&self, rows: &[Row]) -> Result<Vec<Destination>, Failure> {
        let Some((targets, _)) = self.targets.last() else {
            return Ok(Vec::new());
        };
        let mut all = Vec::new();
        for row in rows {
            all.extend(destinations(row, targets, self.overrides)?);
        }
        Ok(all)
    }

    /// Returns the destinations that some row wrote, with the end of their last row; `None` for those that the
    /// last commit still writes.
    pub(super) fn destinations(&self) -> impl Iterator<Item = (&Destination, Option<&Removal>)> {
        let all = self.destinations.iter();
        all.map(|(destination, former)| match former.rows {
            0 => (destination, former.removal.as_ref()),
            _ => (destination, None),
        })
    }

    /// Returns the destinations that rows wrote for a short time only.
    pub(super) fn brief_destinations(&self) -> impl Iterator<Item = &Destination> {
        let all = self.destinations.iter();
        let brief = all.filter(|(_, former)| !former.standing.is_proof());
        brief.map(|(destination, _)| destination)
    }

    /// Returns the destinations of an image by its name at the source.
    pub(super) fn of_source(&self, source: &Destination) -> &[Destination] {
        self.sources.get(source).map_or(&[], Vec::as_slice)
    }

    /// Returns true if a commit had a row.
    pub(super) fn has_rows(&self) -> bool {
        !self.destinations.is_empty()
    }

    /// Returns the rows of all locks, as far as their lines can be read, without those that stood for a short
    /// time only.
    pub(super) fn locks(&self) -> impl Iterator<Item = Lock> {
        let lines = self.locked.iter();
        let lines = lines.filter(|(_, standing)| standing.is_proof());
        let lines = lines.map(|(line, _)| line);
        lines.filter_map(|line| Lock::parse(&format!("# mirror-lock 2\n{line}\n")).ok())
    }

    /// Returns the tags that a row wrote with any of the targets files that stood long enough.
    ///
    /// # Errors
    ///
    /// [`Failure`] for a destination that cannot be overridden.
    pub(super) fn ever_written(&self, row: &Row) -> Result<Vec<Destination>, Failure> {
        let mut all = Vec::new();
        let targets = self.targets.iter();
        for (targets, _) in targets.filter(|(_, standing)| standing.is_proof()) {
            all.extend(destinations(row, targets, self.overrides)?);
        }
        Ok(all)
    }
}

/// Returns the tags that a row writes.
///
/// # Errors
///
/// [`Failure`] for a destination that cannot be overridden.
pub(super) fn destinations(
    row: &Row,
    targets: &Targets,
    overrides: &Overrides,
) -> Result<Vec<Destination>, Failure> {
    let mut all = Vec::new();
    // A target that no file defines stands for no repository.
    for written in targets.expand(&row.destination).unwrap_or_default() {
        let repository = overrides.apply(&written.repository)?;
        let tags = row
            .tag
            .destinations()
            .iter()
            .filter_map(ManifestReference::tag);
        all.extend(tags.map(|tag| (repository.clone(), tag.clone())));
    }
    Ok(all)
}

/// Returns the rows among lines. Comments and invalid lines are none.
fn rows(lines: &[String]) -> Vec<Row> {
    let list = List::parse(&(lines.join("\n") + "\n"));
    list.rows().map(|at| at.row.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::FileChange;
    use crate::rows::select_args::SelectSettings;

    fn revision(time: i64, changes: &[(usize, &str, &str)]) -> FileRevision {
        let lines = |text: &str| text.lines().map(str::to_owned).collect();
        let files = changes.iter().map(|(file, removed, added)| FileChange {
            file: *file,
            removed: lines(removed),
            added: lines(added),
        });
        FileRevision {
            commit: format!("commit{time}"),
            time,
            files: files.collect(),
        }
    }

    fn targets(prefix: &str) -> Targets {
        Targets::parse(&format!(
            "{{\"targets\": {{\"hub\": {{\"prefix\": \"{prefix}\"}}}}}}"
        ))
        .unwrap()
    }

    fn steps() -> Vec<FileRevision> {
        vec![
            revision(
                1,
                &[
                    (
                        0,
                        "",
                        "q.io/a r.io/a 1\nq.io/a r.io/a 2\nq.io/b @hub/b 1=x,y",
                    ),
                    (1, "", ""),
                ],
            ),
            // A sort removes and adds rows; another row writes the same tag.
            revision(
                2,
                &[(
                    0,
                    "q.io/a r.io/a 1\nq.io/a r.io/a 2",
                    "q.io/a r.io/a 2\nq.io/c r.io/a 1\nq.io/a r.io/a 1",
                )],
            ),
            revision(
                3,
                &[(0, "q.io/a r.io/a 1\nq.io/a r.io/a 2", "# q.io/a r.io/a 2")],
            ),
            revision(4, &[(1, "", "")]),
            revision(5, &[(0, "q.io/c r.io/a 1", "q.io/a r.io/a 2")]),
            revision(6, &[(0, "q.io/a r.io/a 2", "")]),
        ]
    }

    #[test]
    fn ends_of_rows_are_those_of_the_last_row_that_wrote_the_tag() {
        let overrides = Overrides::parse(&SelectSettings::default()).unwrap();
        let mut history = DestinationHistory::new(&overrides, 1_000_000);
        let files = [TrackedFile::List, TrackedFile::Targets];
        let steps = steps();
        for step in &steps {
            let new = match step.time {
                1 => Some(targets("one.io/m")),
                4 => Some(targets("two.io/m")),
                _ => None,
            };
            history.apply(step, &files, new).unwrap();
        }
        let mut ends: Vec<String> = history
            .destinations()
            .map(|((repository, tag), removal)| {
                let end = match removal {
                    Some(Removal::Row { time, .. }) => time.to_string(),
                    _ => "none".to_owned(),
                };
                format!("{repository}:{tag} {end}")
            })
            .collect();
        ends.sort();
        assert_eq!(
            ends,
            [
                "one.io/m/b:x 4",
                "one.io/m/b:y 4",
                "r.io/a:1 5",
                "r.io/a:2 6",
                "two.io/m/b:x none",
                "two.io/m/b:y none",
            ]
        );
        let source = ("q.io/c".parse().unwrap(), "1".parse().unwrap());
        assert_eq!(history.of_source(&source).len(), 1);
    }
}
