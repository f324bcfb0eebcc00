//! The search for a blob in the images that a registry has.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures::future::join_all;
use image_name::{ManifestReference, RepositoryPath};
use registry_client::{Blob, Repository};

use super::blob_locations::{BlobLocation, BlobLocations};
use super::mount_candidate::MountCandidate;
use crate::lock::lock;
use crate::platform::Platform;

/// Number of candidates that a search reads concurrently in its first round. Each round without a
/// result doubles it, so that thousands of candidates do not take hundreds of round trips.
const FIRST_ROUND: usize = 8;
/// Maximum number of candidates that a search reads concurrently.
const MAX_ROUND: usize = 128;
/// Number of newest images of the same repository, and of the same source, that a search reads
/// whatever the budget. A new image is most often a version of one of them.
const RELATIVES: usize = 4;
/// Number of candidates that add one read to the budget of a run. Each candidate has cost a
/// request on both sides, so the reads add a twentieth.
const CANDIDATES_PER_READ: usize = 10;
/// Minimum budget of a run, for short lists.
const MIN_RUN_BUDGET: usize = 16;
/// Bytes of a blob that add one read to its budget: reading a manifest costs about as much as
/// sending them.
const BYTES_PER_READ: u64 = 256 * 1024;

/// The images that a registry has, searched for blobs to mount.
///
/// A search costs one request for each manifest that it reads, and finds nothing if the blob is
/// new. So each search has a budget: that of its blob, which follows from the size, and then the
/// budget of the run, which all searches share.
#[derive(Debug, Default)]
pub(crate) struct MountCandidates {
    list: Mutex<List>,
    /// Reads charged to the budget of the run.
    charged: AtomicUsize,
}

#[derive(Debug, Default)]
struct List {
    all: Vec<Arc<MountCandidate>>,
    by_repository: HashMap<RepositoryPath, Vec<usize>>,
    /// By the path of a source repository.
    by_source: HashMap<String, Vec<usize>>,
    /// Each list of source repositories once, by their names.
    sources: HashMap<String, Arc<[Repository]>>,
    /// Each repository once, in the order of the candidates.
    repositories: Vec<RepositoryPath>,
    /// Candidates that a search reads at this moment.
    being_read: BTreeSet<usize>,
}

/// The image that needs a blob: a search starts with similar images.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SearchHint<'a> {
    /// The destination repository.
    pub(crate) repository: &'a RepositoryPath,
    /// The source repository.
    pub(crate) source: &'a Repository,
    /// The platform.
    pub(crate) platform: Option<&'a Platform>,
}

/// A candidate in the order of a search.
#[derive(Debug, Clone, Copy)]
struct Ranked {
    /// The index in the list.
    index: usize,
    /// It is among the newest of the same repository or source.
    is_relative: bool,
}

impl MountCandidates {
    /// Adds an image that the registry has or, for a row outside the run, should have. `sources`
    /// are the repositories that its row names as the source.
    pub(crate) fn add(
        &self,
        repository: Repository,
        sources: Vec<Repository>,
        reference: ManifestReference,
    ) {
        let mut list = lock(&self.list);
        let index = list.all.len();
        let path = repository.path().clone();
        let same_repository = list.by_repository.entry(path.clone()).or_default();
        let first = same_repository.first().copied();
        same_repository.push(index);
        let repository = match first {
            // Shares its memory.
            Some(first) => Arc::clone(list.all[first].repository()),
            None => {
                list.repositories.push(path);
                Arc::new(repository)
            }
        };
        let names: BTreeSet<_> = sources.iter().map(Repository::name).collect();
        for name in names {
            let same_source = list.by_source.entry(name.to_owned()).or_default();
            same_source.push(index);
        }
        let names: Vec<_> = sources.iter().map(ToString::to_string).collect();
        let shared = list.sources.entry(names.join(" "));
        let sources = Arc::clone(shared.or_insert_with(|| sources.into()));
        let candidate = MountCandidate::new(repository, sources, reference);
        list.all.push(Arc::new(candidate));
    }

    /// Returns a repository that should have the blob. Reads candidates, likeliest first, until one
    /// refers to the blob or the budget is used up.
    pub(crate) async fn find(
        &self,
        blobs: &BlobLocations,
        blob: &Blob,
        hint: SearchHint<'_>,
    ) -> Option<BlobLocation> {
        let state = blobs.blob(&blob.digest);
        let mut blob_budget = blob.size / BYTES_PER_READ;
        let mut order = {
            let list = lock(&self.list);
            let charged = self.charged.load(Ordering::Relaxed);
            let run_budget = list.run_budget().saturating_sub(charged);
            let reads = usize::try_from(blob_budget).unwrap_or(usize::MAX);
            list.likeliest(hint, reads.saturating_add(run_budget))
        };
        let mut round = FIRST_ROUND;
        loop {
            if let Some(location) = state.known_location(hint.repository, hint.source) {
                return Some(location);
            }
            let reserved = self.reserve(&mut order, hint, &mut blob_budget, round);
            if reserved.is_empty() {
                return None;
            }
            let reads = reserved
                .iter()
                .map(|(_, candidate)| candidate.read(blobs, hint.platform));
            // The reservation has charged one request; an index takes more.
            let further = join_all(reads).await.into_iter();
            let further = further.map(|requests| requests.saturating_sub(1)).sum();
            self.charged.fetch_add(further, Ordering::Relaxed);
            let is_reserved = |index: &usize| reserved.iter().any(|(read, _)| read == index);
            lock(&self.list)
                .being_read
                .retain(|index| !is_reserved(index));
            round = MAX_ROUND.min(round * 2);
        }
    }

    /// Returns up to `most` next candidates that are not read, and that a budget covers or
    /// another search reads.
    fn reserve(
        &self,
        order: &mut impl Iterator<Item = Ranked>,
        hint: SearchHint<'_>,
        blob_budget: &mut u64,
        most: usize,
    ) -> Vec<(usize, Arc<MountCandidate>)> {
        let mut list = lock(&self.list);
        let run_budget = list.run_budget();
        let affordable = order.filter_map(|Ranked { index, is_relative }| {
            let candidate = &list.all[index];
            let charge = || self.charge(blob_budget, is_relative, run_budget);
            let is_reserved =
                !candidate.is_read(hint.platform) && candidate.reserve(hint.platform, charge);
            is_reserved.then(|| (index, Arc::clone(candidate)))
        });
        let reserved: Vec<_> = affordable.take(most).collect();
        let indexes = reserved.iter().map(|(index, _)| *index);
        list.being_read.extend(indexes);
        reserved
    }

    /// Charges one read to the budget of the blob, or else to that of the run. Returns false if
    /// both are used up.
    fn charge(&self, blob_budget: &mut u64, is_relative: bool, run_budget: usize) -> bool {
        if let Some(left) = blob_budget.checked_sub(1) {
            *blob_budget = left;
            return true;
        }
        let is_covered = is_relative || self.charged.load(Ordering::Relaxed) < run_budget;
        if is_covered {
            self.charged.fetch_add(1, Ordering::Relaxed);
        }
        is_covered
    }

    /// Returns the number of candidates that a search would visit.
    #[cfg(feature = "benchmarks")]
    pub(crate) fn search_length(&self, hint: SearchHint<'_>, budget: usize) -> usize {
        lock(&self.list).likeliest(hint, budget).count()
    }
}

impl List {
    /// Returns the number of reads that all searches of a run share.
    fn run_budget(&self) -> usize {
        (self.all.len() / CANDIDATES_PER_READ).max(MIN_RUN_BUDGET)
    }

    /// Returns the unread candidates: the newest of the same repository, then of the same source,
    /// then those that other searches read, then `budget` others: the newest of each repository
    /// first, because images of one repository have most blobs in common.
    ///
    /// Most searches of a long list start after the budget of the run is used up, and then do not
    /// walk the list.
    fn likeliest(
        &self,
        hint: SearchHint<'_>,
        budget: usize,
    ) -> impl Iterator<Item = Ranked> + use<> {
        let newest = |all: Option<&Vec<usize>>| {
            let all = all.into_iter().flatten().rev().copied();
            all.take(RELATIVES).collect::<Vec<_>>()
        };
        let mut visited = HashSet::new();
        let mut is_unread =
            |index: &usize| visited.insert(*index) && !self.all[*index].is_read(hint.platform);
        let mut relatives = newest(self.by_repository.get(hint.repository));
        relatives.extend(newest(self.by_source.get(hint.source.name())));
        relatives.retain(&mut is_unread);
        let being_read = self.being_read.iter().copied();
        let being_read: Vec<_> = being_read.filter(&mut is_unread).collect();
        let repositories = self.repositories.iter();
        let one_each = repositories.filter_map(|path| self.by_repository[path].last().copied());
        let others = one_each.chain(0..self.all.len());
        let others = others.filter(is_unread).take(budget);
        let mut others: Vec<_> = being_read.into_iter().chain(others).collect();
        // Thousands of searches may start at the same time.
        others.shrink_to_fit();
        let ranked = |is_relative| move |index| Ranked { index, is_relative };
        let relatives = relatives.into_iter().map(ranked(true));
        relatives.chain(others.into_iter().map(ranked(false)))
    }
}
