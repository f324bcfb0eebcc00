//! The facts that need no request to a mirror: rows, locks, git history, reports and uses.

use std::collections::{HashMap, HashSet};

use image_name::{Digest, RepositoryName, full_repository};
use images_list::{Lock, Row, Targets};
use oci_spec::distribution::Reference;
use prune_plan::{Removal, UsedImages};
use registry_client::{Client, manifest_reference};

use super::args::{ProtectionArgs, PruneArgs};
use super::destination_history::{DestinationHistory, TrackedFile, destinations};
use super::known_repository::KnownRepository;
use super::plan_input::{read_used_images, read_written};
use super::survey::readable;
use super::unnamed_lists;
use crate::cli::failure::Failure;
use crate::files::config_file;
use crate::files::list_file::{self, ListFile};
use crate::files::lock_file::{self, LockFile};
use crate::files::targets_file;
use crate::git::{FileChange, Git, Links, Purpose};
use crate::rows::overrides::Overrides;
use crate::rows::select_args::SelectArgs;
use crate::rows::selection::{self, Selection};
use crate::session::Session;

/// The repositories of the list, of its lock and of their history.
#[derive(Debug, Default)]
pub(super) struct Known {
    repositories: HashMap<RepositoryName, KnownRepository>,
    /// The digests in use, of whatever repository.
    pub(super) used_digests: HashSet<Digest>,
}

impl Known {
    /// Reads everything that says what the mirror has, had and needs.
    ///
    /// # Errors
    ///
    /// [`Failure`] for an empty list, for lists, locks, reports and uses that cannot be read, for a missing
    /// history, and for a followed entry that failed: its rows would be missing.
    pub(super) async fn read(
        session: &Session,
        args: &PruneArgs,
        client: &Client,
    ) -> Result<Self, Failure> {
        let protection = &args.protection;
        let used = read_used_images(&protection.used_by)?;
        let written = read_written(&protection.written_by)?;
        let select = SelectArgs::of_all_rows(args.destination.clone());
        let overrides = Overrides::parse(&select.settings(&session.environment)?)?;
        let selection = selection::select_all_with_followed(session, &select, client).await?;
        refuse_failed_entries(&selection)?;
        let mut known = Self::default();
        known.add_rows(&selection)?;
        let targets = list_file::targets_of(&selection.lists);
        refuse_lost_configuration(session, &selection.lists)?;
        known.add_locks(&selection, &targets, &overrides)?;
        let history = history(session, protection, &selection.lists, &overrides).await?;
        if let Some(history) = &history {
            refuse_emptied(&selection.lists, history)?;
            known.add_history(history)?;
        }
        // A report says what a run has copied, and not that this list had the row.
        for (repository, tag, digest) in &written {
            if let Some(repository) = known.repositories.get_mut(repository) {
                repository.wrote(tag, digest);
            }
        }
        known.add_used(used, history.as_ref());
        known.merge_names(client);
        if history.is_some() {
            let is_known = |name: &RepositoryName| known.get(name).is_some();
            unnamed_lists::refuse(session, &selection.lists, &overrides, &is_known).await?;
        }
        Ok(known)
    }

    /// Returns the repositories, in the order of their names.
    pub(super) fn repositories(&self) -> Vec<&KnownRepository> {
        let mut all: Vec<_> = self.repositories.values().collect();
        all.sort_by_key(|repository| repository.name.full());
        all
    }

    /// Returns a repository; `None` if neither the list, the lock nor their history has it.
    pub(super) fn get(&self, name: &RepositoryName) -> Option<&KnownRepository> {
        self.repositories.get(name)
    }

    fn repository(&mut self, name: &RepositoryName) -> &mut KnownRepository {
        let new = || KnownRepository::new(name.clone());
        self.repositories.entry(name.clone()).or_insert_with(new)
    }

    /// Adds what the rows write, and the digests that they pin.
    fn add_rows(&mut self, selection: &Selection) -> Result<(), Failure> {
        for run in &selection.rows {
            let reference = manifest_reference(&run.row.destination)
                .map_err(|error| Failure::unusable(error.to_string()))?;
            let repository = self.repository(&repository_of(&run.row.destination)?);
            repository.keep(&reference);
            let pin = run.listed.as_ref().and_then(|listed| listed.row.tag.pin());
            repository.kept_digests.extend(pin.cloned());
        }
        for row in &selection.other_rows {
            let reference = manifest_reference(&row.destination)
                .map_err(|error| Failure::unusable(error.to_string()))?;
            let repository = self.repository(&repository_of(&row.destination)?);
            repository.keep(&reference);
        }
        Ok(())
    }

    /// Adds the lines of the locks. A line without a row keeps its digest until it is removed, except for a
    /// tag that an entry no longer follows: its line stays in the lock for good.
    fn add_locks(
        &mut self,
        selection: &Selection,
        targets: &Targets,
        overrides: &Overrides,
    ) -> Result<(), Failure> {
        let followed: HashSet<Row> = selection.followed_rows().into_iter().collect();
        for file in &selection.lists {
            let Some(lock) = LockFile::read(file)? else {
                continue;
            };
            let listed: HashSet<&Row> = file.list.rows().map(|at| at.row).collect();
            for (row, approved) in lock.lock.rows() {
                let entry = lock.lock.entry(row).filter(|_| !listed.contains(row));
                let ended = entry.filter(|_| !followed.contains(row));
                for (name, tag) in destinations(row, targets, overrides)? {
                    let repository = self.repository(&name);
                    repository.wrote(&tag, approved.digest());
                    match ended {
                        Some(entry) => {
                            let entry = entry.to_string();
                            repository.end(&tag, Removal::NotFollowed { entry });
                        }
                        None => {
                            repository.kept_digests.insert(approved.digest().clone());
                            let attached = approved.attached().into_iter();
                            let attached = attached.flat_map(|attached| attached.approved());
                            let attached = attached.map(|attached| attached.digest);
                            repository.kept_digests.extend(attached);
                            repository.end(&tag, Removal::Unlisted);
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Adds former rows with their ends, and former lines of the locks.
    fn add_history(&mut self, history: &DestinationHistory<'_>) -> Result<(), Failure> {
        for ((name, tag), removal) in history.destinations() {
            let repository = self.repository(name);
            let removal = removal.cloned().unwrap_or(Removal::NotCommitted);
            // A commit says more than a line of the lock.
            repository.removals.insert(tag.clone(), removal);
        }
        for lock in history.locks() {
            self.add_former_lock(&lock, history)?;
        }
        Ok(())
    }

    fn add_former_lock(
        &mut self,
        lock: &Lock,
        history: &DestinationHistory<'_>,
    ) -> Result<(), Failure> {
        for (row, approved) in lock.rows() {
            let removal = match lock.entry(row) {
                Some(entry) => Removal::NotFollowed {
                    entry: entry.to_string(),
                },
                None => Removal::Unlisted,
            };
            for (name, tag) in history.ever_written(row)? {
                let repository = self.repository(&name);
                repository.wrote(&tag, approved.digest());
                repository.end(&tag, removal.clone());
            }
        }
        Ok(())
    }

    /// Keeps what rows and uses need under each name of a repository: `registries.conf` may give it several.
    fn merge_names(&mut self, client: &Client) {
        let mut places: HashMap<(String, String), Vec<KnownRepository>> = HashMap::new();
        for known in self.repositories.values() {
            // A name that cannot be resolved fails with its survey.
            if let Ok(repository) = readable(client, known) {
                let host = repository.host_name().to_owned();
                let place = (host, repository.name().to_owned());
                places.entry(place).or_default().push(known.clone());
            }
        }
        for names in places.values().filter(|names| names.len() > 1) {
            for known in names {
                if let Some(repository) = self.repositories.get_mut(&known.name) {
                    names.iter().for_each(|other| repository.keep_all_of(other));
                }
            }
        }
    }

    /// Adds what is in use: names of the mirror, names of sources of which rows write or wrote images, and
    /// digests.
    fn add_used(&mut self, used: UsedImages, history: Option<&DestinationHistory<'_>>) {
        for image in &used.tags {
            let at_source = history.map_or(&[][..], |history| history.of_source(image));
            for (name, tag) in std::iter::once(image).chain(at_source) {
                if let Some(repository) = self.repositories.get_mut(name) {
                    repository.used_tags.insert(tag.clone());
                }
            }
        }
        for (name, digests) in &used.digests_of {
            if let Some(repository) = self.repositories.get_mut(name) {
                repository.used_digests.extend(digests.iter().cloned());
            }
        }
        self.used_digests = used.digests;
    }
}

/// Refuses a run without a configuration if a lock has rows of followed entries: they would all be candidates.
fn refuse_lost_configuration(session: &Session, lists: &[ListFile]) -> Result<(), Failure> {
    if config_file::read_followed(&session.common)?.is_some() {
        return Ok(());
    }
    for file in lists {
        let lock = LockFile::read(file)?;
        if lock.is_some_and(|lock| !lock.lock.followed().is_empty()) {
            let message = format!(
                "the lock of {} has rows of followed entries, and there is no configuration",
                file.name
            );
            return Err(Failure::unusable(message).hint(
                "name the configuration with --config FILE; one that follows nothing any more may be {}"
                    .to_owned(),
            ));
        }
    }
    Ok(())
}

fn repository_of(destination: &Reference) -> Result<RepositoryName, Failure> {
    let name = full_repository(destination);
    name.parse()
        .map_err(|error| Failure::unusable(format!("{name}: {error}")))
}

/// Refuses a run without the rows of a followed entry.
fn refuse_failed_entries(selection: &Selection) -> Result<(), Failure> {
    let findings = selection.entry_findings();
    if findings.is_empty() {
        return Ok(());
    }
    let message =
        "a followed entry failed, so it is not known which tags it gives; nothing was deleted";
    Err(Failure::failed(message)
        .hint("run again when its version source responds".to_owned())
        .problems(findings))
}

/// Refuses lists that have lost all their rows.
fn refuse_emptied(lists: &[ListFile], history: &DestinationHistory<'_>) -> Result<(), Failure> {
    let is_empty = lists.iter().all(|file| file.list.rows().next().is_none());
    if is_empty && history.has_rows() {
        return Err(list_file::no_row(lists)
            .hint("restore the list: all its former tags would be candidates".to_owned()));
    }
    Ok(())
}

/// Replays the history of the lists, their locks and their targets; `None` with `--no-history`.
async fn history<'a>(
    session: &Session,
    protection: &ProtectionArgs,
    lists: &[ListFile],
    overrides: &'a Overrides,
) -> Result<Option<DestinationHistory<'a>>, Failure> {
    if protection.no_history {
        return Ok(None);
    }
    let paths: Vec<_> = lists.iter().map(|file| file.path.clone()).collect();
    list_file::refuse_stdin(&paths)?;
    let git = Git::discover(&session.environment.git, Purpose::Prune).await?;
    let (mut tracked, mut kinds) = (Vec::new(), Vec::new());
    for path in &paths {
        tracked.push(git.track(path, Links::Refuse)?);
        kinds.push(TrackedFile::List);
        tracked.push(git.track(&lock_file::path_of(path), Links::Refuse)?);
        kinds.push(TrackedFile::Lock);
    }
    let targets = targets_file::path(&session.common, &paths);
    git.refuse_links(&targets)?;
    // Targets outside of the repository have no history: those of now stand for all.
    let targets = git.track(&targets, Links::Refuse).ok();
    if let Some(targets) = &targets {
        tracked.push(targets.clone());
        kinds.push(TrackedFile::Targets);
    }
    let mut history = DestinationHistory::new(overrides);
    if targets.is_none() {
        history.set_targets(list_file::targets_of(lists).as_ref().clone());
    }
    let revisions = git.file_changes(&tracked).await?;
    let has_list = |change: &FileChange| kinds.get(change.file) == Some(&TrackedFile::List);
    let changes = revisions.iter().flat_map(|revision| &revision.files);
    if !changes.clone().any(has_list) {
        let names: Vec<_> = lists.iter().map(|file| file.name.as_str()).collect();
        let message = format!("no commit has {}", names.join(" or "));
        return Err(Failure::unusable(message).hint(
            "commit the list: its history shows what rows have written; or run with --no-history"
                .to_owned(),
        ));
    }
    for revision in &revisions {
        let mut files = revision.files.iter();
        let changes_targets =
            files.any(|change| kinds.get(change.file) == Some(&TrackedFile::Targets));
        let new = match &targets {
            Some(targets) if changes_targets => {
                let bytes = git.content_at(&revision.commit, targets).await?;
                let text = bytes.unwrap_or_default();
                // With invalid targets, rows wrote nowhere.
                Some(Targets::parse(&String::from_utf8_lossy(&text)).unwrap_or_default())
            }
            _ => None,
        };
        history.apply(revision, &kinds, new)?;
    }
    Ok(Some(history))
}
