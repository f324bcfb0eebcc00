//! The images that a registry has already, searched for a blob.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::join_all;
use image_name::{ManifestReference, RepositoryPath};
use registry_client::{Blob, Repository};

use super::blob_locations::BlobLocations;
use super::mount_candidate::MountCandidate;
use crate::platform::Platform;

/// Images at the destination, with an order of likelihood for each search.
///
/// A search costs a request for each manifest that it reads, and finds nothing
/// where a blob is new. So beyond what a blob's size is worth, what may be
/// read is bounded for the run as a whole.
#[derive(Debug, Default)]
pub(crate) struct MountCandidates {
    list: Mutex<List>,
    /// ManifestCache read that no blob's size was worth.
    spent: AtomicUsize,
}

#[derive(Debug, Default)]
struct List {
    all: Vec<Arc<MountCandidate>>,
    by_repository: HashMap<RepositoryPath, Vec<usize>>,
    by_source: HashMap<Arc<str>, Vec<usize>>,
    /// Each once, in the order in which they came.
    repositories: Vec<RepositoryPath>,
    /// Those that some search reads just now.
    being_read: BTreeSet<usize>,
}

/// What a blob is looked for near to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SearchHint<'a> {
    /// The repository it is needed in.
    pub(crate) repository: &'a RepositoryPath,
    /// The source it belongs to.
    pub(crate) source: &'a str,
    /// The platform of the image that needs it.
    pub(crate) platform: Option<&'a Platform>,
}

/// MountCandidates read at once when a search begins, and the most later: while it
/// finds nothing it reads twice as many each time, so that a search through
/// thousands does not take hundreds of round trips.
const AT_ONCE: (usize, usize) = (8, 128);
/// The newest images of the same repository, and of the same source: a new
/// image is most often a version of one of them, so they are read whatever was
/// spent.
const RELATIVES: usize = 4;
/// A candidate was asked for on both sides; one read for so many of them adds
/// a twentieth to the requests that a run makes anyway.
const CANDIDATES_PER_READ: usize = 10;
/// Reads that a short list has all the same.
const LEAST: usize = 16;
/// What a blob's size is worth: reading a manifest costs about as much as
/// sending so many bytes.
const BYTES_PER_READ: u64 = 256 * 1024;

impl MountCandidates {
    /// Adds an image that is (or, for a row not asked for, should be) there.
    pub(crate) fn add(
        &self,
        repository: Repository,
        name: RepositoryPath,
        source: Arc<str>,
        reference: ManifestReference,
    ) {
        let mut list = self.lock();
        let index = list.all.len();
        let same_repository = list.by_repository.entry(name.clone()).or_default();
        same_repository.push(index);
        if same_repository.len() == 1 {
            list.repositories.push(name.clone());
        }
        list.by_source.entry(source).or_default().push(index);
        let image = MountCandidate::new(repository, name, reference);
        list.all.push(Arc::new(image));
    }

    /// A repository that has the blob: reads candidates, likeliest first,
    /// until one names it or no more may be read.
    pub(crate) async fn find(
        &self,
        blobs: &BlobLocations,
        blob: &Blob,
        hint: SearchHint<'_>,
    ) -> Option<RepositoryPath> {
        let state = blobs.blob(&blob.digest);
        let mut worth = blob.size / BYTES_PER_READ;
        let mut order = {
            let list = self.lock();
            let left = list
                .allowance()
                .saturating_sub(self.spent.load(Ordering::Relaxed));
            let payable = usize::try_from(worth).unwrap_or(usize::MAX);
            list.likeliest(hint, payable.saturating_add(left))
        };
        let (mut at_once, most_at_once) = AT_ONCE;
        loop {
            if let Some(place) = state.known_place(hint.repository) {
                return Some(place);
            }
            let some = self.claim(&mut order, hint, &mut worth, at_once);
            if some.is_empty() {
                return None;
            }
            let reads = some
                .iter()
                .map(|(_, image)| image.read(blobs, hint.platform));
            // A claim pays for one request; an index takes more.
            let more = join_all(reads).await.into_iter();
            let more = more.map(|requests| requests.saturating_sub(1)).sum();
            self.spent.fetch_add(more, Ordering::Relaxed);
            self.lock()
                .being_read
                .retain(|index| !some.iter().any(|(read, _)| read == index));
            at_once = most_at_once.min(at_once * 2);
        }
    }

    /// The next so many of an order that are not read and can be paid for, or
    /// that others read.
    fn claim(
        &self,
        order: &mut impl Iterator<Item = (usize, bool)>,
        hint: SearchHint<'_>,
        worth: &mut u64,
        most: usize,
    ) -> Vec<(usize, Arc<MountCandidate>)> {
        let mut list = self.lock();
        let allowance = list.allowance();
        let affordable = order.filter_map(|(index, relative)| {
            let image = &list.all[index];
            let pay = || self.pay(worth, relative, allowance);
            let claimed = !image.is_read(hint.platform) && image.claim(hint.platform, pay);
            claimed.then(|| (index, Arc::clone(image)))
        });
        let some: Vec<_> = affordable.take(most).collect();
        list.being_read.extend(some.iter().map(|(index, _)| *index));
        some
    }

    /// Whether another candidate may be read: on account of the blob, or else
    /// of the run.
    fn pay(&self, worth: &mut u64, relative: bool, allowance: usize) -> bool {
        if let Some(left) = worth.checked_sub(1) {
            *worth = left;
            return true;
        }
        let may = relative || self.spent.load(Ordering::Relaxed) < allowance;
        if may {
            self.spent.fetch_add(1, Ordering::Relaxed);
        }
        may
    }

    /// How many images a search would look at.
    #[cfg(feature = "benchmarks")]
    pub(crate) fn order(&self, hint: SearchHint<'_>, payable: usize) -> usize {
        self.lock().likeliest(hint, payable).count()
    }

    fn lock(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl List {
    /// What a run may read that no blob's size is worth.
    fn allowance(&self) -> usize {
        (self.all.len() / CANDIDATES_PER_READ).max(LEAST)
    }

    /// Those that are not read: the newest images of the same repository, then
    /// of the same source, then what others are reading; then, as many as are
    /// `payable`, the newest of every repository, since images of one have most
    /// in common, and all.
    ///
    /// Most blobs of a long list are searched for when all that may be read
    /// was: then the list is not gone through.
    ///
    /// Gives places in the list, and whether it is a relative.
    fn likeliest(
        &self,
        hint: SearchHint<'_>,
        payable: usize,
    ) -> impl Iterator<Item = (usize, bool)> + use<> {
        let newest = |all: Option<&Vec<usize>>| {
            let all = all.into_iter().flatten().rev().copied();
            all.take(RELATIVES).collect::<Vec<_>>()
        };
        let mut seen = HashSet::new();
        let mut unread = |index: &usize| {
            let image = &self.all[*index];
            seen.insert(*index) && !image.is_read(hint.platform)
        };
        let mut relatives = newest(self.by_repository.get(hint.repository));
        relatives.extend(newest(self.by_source.get(hint.source)));
        relatives.retain(&mut unread);
        let repositories = self.repositories.iter();
        let one_each = repositories.filter_map(|name| self.by_repository[name].last().copied());
        let being_read: Vec<_> = self
            .being_read
            .iter()
            .copied()
            .filter(&mut unread)
            .collect();
        let others = one_each.chain(0..self.all.len());
        let others = others.filter(unread).take(payable);
        let mut others: Vec<_> = being_read.into_iter().chain(others).collect();
        // A thousand searches may begin together.
        others.shrink_to_fit();
        let relatives = relatives.into_iter().map(|index| (index, true));
        relatives.chain(others.into_iter().map(|index| (index, false)))
    }
}
