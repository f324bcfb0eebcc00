//! The facts that need no request to a mirror: rows, locks, git history, reports and uses.

use std::collections::{HashMap, HashSet};

use chrono::Utc;
use image_name::{Digest, ManifestReference, RepositoryName, full_repository};
use images_list::{Lock, Row, Targets};
use oci_spec::distribution::Reference;
use prune_plan::{KeptBy, Removal, UsedImages};
use registry_client::{Client, manifest_reference};

use super::args::{ProtectionArgs, PruneArgs};
use super::destination_history::{DestinationHistory, destinations};
use super::known_repository::KnownRepository;
use super::list_repository::{BranchRows, ListRepository};
use super::plan_input::{WrittenImage, read_used_images, read_written};
use super::refusals::{
    refuse_emptied, refuse_emptied_entries, refuse_failed_entries, refuse_lost_configuration,
};
use super::{other_names, unnamed_lists};
use crate::cli::failure::Failure;
use crate::files::list_file::{self, ListFile};
use crate::files::lock_file::LockFile;
use crate::rows::overrides::Overrides;
use crate::rows::select_args::SelectArgs;
use crate::rows::selection::{self, Selection};
use crate::session::Session;

/// The repositories of the list, of its lock and of their history.
#[derive(Debug, Default)]
pub(super) struct Known {
    repositories: HashMap<RepositoryName, KnownRepository>,
    /// The names under which the repositories are contacted.
    contacted: HashSet<RepositoryName>,
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
        let git = match protection.no_history {
            true => None,
            false => Some(ListRepository::open(session, &select.list_paths(session)?).await?),
        };
        if let Some(git) = &git {
            git.refuse_uncommitted().await?;
        }
        let selection = selection::select_all_with_followed(session, &select, client).await?;
        refuse_failed_entries(&selection)?;
        refuse_emptied_entries(&selection)?;
        refuse_lost_configuration(session, &selection.lists)?;
        let mut known = Self::default();
        known.add_rows(&selection)?;
        known
            .add_locks(&selection, git.as_ref(), &overrides)
            .await?;
        let history = match &git {
            Some(git) => Some(known.add_git(git, &selection.lists, &overrides).await?),
            None => None,
        };
        known.add_written(&written);
        known.add_used(used, history.as_ref());
        known.merge_names(client, protection).await;
        if let Some(git) = &git {
            let is_known = |name: &RepositoryName| known.has(client, name);
            unnamed_lists::refuse(git, &selection.lists, &overrides, &is_known).await?;
        }
        Ok(known)
    }

    /// Returns true if a repository is known, under whatever name.
    fn has(&self, client: &Client, name: &RepositoryName) -> bool {
        let contacted = other_names::contacted_name(client, name);
        self.get(name).is_some() || contacted.is_some_and(|name| self.contacted.contains(&name))
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
            let target = run.target.as_ref();
            let platforms = target.and_then(|target| target.platforms.as_ref());
            repository.keep(&reference, platforms.is_some());
            let pin = run.listed.as_ref().and_then(|listed| listed.row.tag.pin());
            repository.kept_digests.extend(pin.cloned());
        }
        for row in &selection.other_rows {
            let reference = manifest_reference(&row.destination)
                .map_err(|error| Failure::unusable(error.to_string()))?;
            let repository = self.repository(&repository_of(&row.destination)?);
            repository.keep(&reference, false);
        }
        Ok(())
    }

    /// Adds the lines of the locks, of the work tree and of the last commit.
    async fn add_locks(
        &mut self,
        selection: &Selection,
        git: Option<&ListRepository>,
        overrides: &Overrides,
    ) -> Result<(), Failure> {
        let targets = list_file::targets_of(&selection.lists);
        let followed: HashSet<Row> = selection.followed_rows().into_iter().collect();
        let committed = match git {
            Some(git) => git.committed_locks().await?,
            None => Vec::new(),
        };
        let mut committed = committed.into_iter();
        for file in &selection.lists {
            let current = LockFile::read(file)?.map(|file| file.lock);
            let committed = committed.next().flatten();
            for lock in current.iter().chain(&committed) {
                self.add_lock(lock, (file, &followed), &targets, overrides)?;
            }
        }
        Ok(())
    }

    /// Adds the lines of a lock. A line without a row keeps its digest until it is removed, except for a tag that
    /// an entry no longer follows: its line stays in the lock for good.
    fn add_lock(
        &mut self,
        lock: &Lock,
        (file, followed): (&ListFile, &HashSet<Row>),
        targets: &Targets,
        overrides: &Overrides,
    ) -> Result<(), Failure> {
        let listed: HashSet<&Row> = file.list.rows().map(|at| at.row).collect();
        for (row, approved) in lock.rows() {
            let entry = lock.entry(row).filter(|_| !listed.contains(row));
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
                        repository.keep_approved(approved);
                        repository.end(&tag, Removal::Unlisted);
                    }
                }
            }
        }
        Ok(())
    }

    /// Adds the history of the lists and the rows of the default branch. Returns the history.
    async fn add_git<'a>(
        &mut self,
        git: &ListRepository,
        lists: &[ListFile],
        overrides: &'a Overrides,
    ) -> Result<DestinationHistory<'a>, Failure> {
        let history = git
            .history(lists, overrides, Utc::now().timestamp())
            .await?;
        refuse_emptied(lists, &history)?;
        self.add_history(&history)?;
        if let Some(branch) = git.default_branch(lists).await? {
            self.add_branch(&branch, overrides)?;
        }
        Ok(history)
    }

    /// Adds what the default branch keeps.
    fn add_branch(&mut self, branch: &BranchRows, overrides: &Overrides) -> Result<(), Failure> {
        let by = KeptBy::Branch(branch.branch.clone());
        for row in &branch.rows {
            for written in branch.targets.expand(&row.destination).unwrap_or_default() {
                let repository = self.repository(&overrides.apply(&written.repository)?);
                for reference in row.tag.destinations() {
                    match reference {
                        ManifestReference::Tag(tag) => {
                            repository.kept_by.insert(tag.clone(), by.clone());
                        }
                        digest => repository.keep(digest, false),
                    }
                }
                repository.kept_digests.extend(row.tag.pin().cloned());
            }
        }
        for lock in &branch.locks {
            for row in lock
                .rows()
                .map(|(row, _)| row)
                .filter(|row| branch.rows.contains(row))
            {
                let approved = lock.get(row);
                for (name, _) in destinations(row, &branch.targets, overrides)? {
                    let repository = self.repository(&name);
                    approved
                        .into_iter()
                        .for_each(|line| repository.keep_approved(line));
                }
            }
        }
        Ok(())
    }

    /// Adds what reports say. A report says what a run has copied, and not that this list had the row.
    fn add_written(&mut self, written: &[WrittenImage]) {
        for image in written {
            if let Some(repository) = self.repositories.get_mut(&image.repository) {
                match &image.reference {
                    ManifestReference::Tag(tag) => repository.wrote(tag, &image.digest),
                    ManifestReference::Digest(row) => {
                        repository.wrote_by_digest(row, &image.digest);
                    }
                }
            }
        }
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
        for (name, tag) in history.brief_destinations() {
            self.repository(name).doubt(tag);
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

    /// Keeps what rows and uses need under each name of a repository, and under names that may be its own.
    async fn merge_names(&mut self, client: &Client, protection: &ProtectionArgs) {
        let mut places: HashMap<RepositoryName, Vec<RepositoryName>> = HashMap::new();
        for name in self.repositories.keys() {
            if let Some(contacted) = other_names::contacted_name(client, name) {
                places.entry(contacted).or_default().push(name.clone());
            }
        }
        let distinct = &protection.distinct_host;
        let pairs = other_names::possible_pairs(client, &self.repositories, distinct).await;
        let before = self.repositories.clone();
        for names in places.values() {
            let others = names.iter().filter_map(|name| before.get(name));
            for known in names {
                if let Some(repository) = self.repositories.get_mut(known) {
                    let others = others.clone().filter(|other| other.name != *known);
                    others.for_each(|other| repository.keep_all_of(other));
                }
            }
        }
        for (former, other) in &pairs {
            if let (Some(repository), Some(other)) =
                (self.repositories.get_mut(former), before.get(other))
            {
                repository.keep_as_other_name(other);
            }
        }
        self.contacted = places.into_keys().collect();
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

fn repository_of(destination: &Reference) -> Result<RepositoryName, Failure> {
    let name = full_repository(destination);
    name.parse()
        .map_err(|error| Failure::unusable(format!("{name}: {error}")))
}
