//! The lists of sources that name attached content, each requested once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use image_name::{Digest, Tag};
use once_map::OnceMap;
use registry_client::{
    Descriptor, Error, Manifest, ManifestHead, ReferrerList, Referrers, Repository, TagLists,
};

use crate::digest_tags::DigestTags;
use crate::recent_map::RecentMap;

/// Maximum number of repositories whose digest tags are kept.
const MAX_REPOSITORIES: usize = 2_000;
/// Maximum size of all kept digest tags in bytes. A repository with more is listed again for later rows.
const MAX_DIGEST_TAGS: usize = 4 * 1024 * 1024;
/// Maximum size of all referrers that are kept for rows with another destination, in bytes.
const MAX_REFERRERS: usize = 2 * 1024 * 1024;
/// Memory of one referrer in bytes, without its text.
const SIZE_OF_REFERRER: usize = 512;

/// The digest tags and referrers at the sources.
#[derive(Debug)]
pub(crate) struct SourceLists {
    /// By source repository.
    digest_tags: RecentMap<String, ListedTags>,
    /// Lists that were read before the run.
    known: Arc<TagLists>,
    /// By source repository and digest.
    referrers: OnceMap<(String, Digest), Result<Referrers, Error>>,
    /// The referrers of the tag schema, by source repository and digest.
    schema_referrers: OnceMap<(String, Digest), Result<ReferrerList, Error>>,
    /// The size of the kept referrers.
    kept_referrers: AtomicUsize,
    /// The heads of digest tags, by source repository.
    heads: OnceMap<(String, Tag), Result<Option<ManifestHead>, Error>>,
}

type ListedTags = Result<Arc<DigestTags>, Error>;

impl Default for SourceLists {
    fn default() -> Self {
        let size_of = |listed: &ListedTags| listed.as_ref().map_or(0, |tags| tags.size());
        Self {
            digest_tags: RecentMap::new(MAX_REPOSITORIES, MAX_DIGEST_TAGS, size_of),
            known: Arc::default(),
            referrers: OnceMap::default(),
            schema_referrers: OnceMap::default(),
            kept_referrers: AtomicUsize::new(0),
            heads: OnceMap::default(),
        }
    }
}

impl SourceLists {
    /// Creates the lists of a run.
    pub(crate) fn new(known: Arc<TagLists>) -> Self {
        Self {
            known,
            ..Self::default()
        }
    }

    /// Returns the digest tags of a repository. It may wait for memory, so the caller must hold no
    /// documents.
    pub(crate) async fn digest_tags(&self, source: &Repository) -> Result<Arc<DigestTags>, Error> {
        let list = || async {
            let tags = match self.known.known(source) {
                Some(known) => Some(DigestTags::of_known(&known)),
                None => {
                    source
                        .fold_tags(DigestTags::default, DigestTags::add)
                        .await?
                }
            };
            let mut tags = tags.map_or_else(DigestTags::not_listed, DigestTags::from_list);
            if tags.size() > MAX_DIGEST_TAGS {
                self.digest_tags.clear();
            }
            let reservation = source.keep_in_memory(tags.size() as u64).await;
            tags.hold(reservation);
            Ok(Arc::new(tags))
        };
        let cell = self.digest_tags.cell(&source.to_string());
        cell.get_or_init(|| Box::pin(list())).await.clone()
    }

    /// Returns the referrers of a manifest from the API. Other destinations of the same image need
    /// them too.
    pub(crate) async fn referrers(
        &self,
        source: &Repository,
        subject: &Digest,
    ) -> Result<Referrers, Error> {
        let key = (source.to_string(), subject.clone());
        // What is not kept is the error of the cell.
        let list = || async {
            match source.referrers(subject).await {
                Err(error @ Error::DocumentMemory { .. }) => Err(Err(error)),
                Ok(Referrers::Listed(list)) if !self.may_keep(&list) => {
                    Err(Ok(Referrers::Listed(list)))
                }
                Ok(Referrers::Listed(list)) => Ok(Ok(Referrers::Listed(list.without_documents()))),
                other => Ok(other),
            }
        };
        let listed = self.referrers.get_or_try_init(key, list).await;
        listed.unwrap_or_else(|not_kept| not_kept)
    }

    fn may_keep(&self, list: &[Descriptor]) -> bool {
        let sizes = list.iter();
        let sizes = sizes.map(|referrer| referrer.json().len() + SIZE_OF_REFERRER);
        let size: usize = sizes.sum();
        let kept = &self.kept_referrers;
        let add = |kept: usize| Some(kept + size).filter(|kept| *kept <= MAX_REFERRERS);
        size == 0
            || kept
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, add)
                .is_ok()
    }

    /// Returns the referrers of a manifest from the tag schema.
    pub(crate) async fn referrers_by_tag(
        &self,
        source: &Repository,
        subject: &Digest,
    ) -> Result<ReferrerList, Error> {
        let key = (source.to_string(), subject.clone());
        // What is not kept is the error of the cell.
        let list = || async {
            match source.referrers_by_tag(subject).await {
                Err(error @ Error::DocumentMemory { .. }) => Err(Err(error)),
                Ok(list) if !self.may_keep(&list) => Err(Ok(list)),
                Ok(list) => Ok(Ok(list.without_documents())),
                other => Ok(other),
            }
        };
        let listed = self.schema_referrers.get_or_try_init(key, list).await;
        listed.unwrap_or_else(|not_kept| not_kept)
    }

    /// Notes the manifest that was read under a digest tag.
    pub(crate) async fn note(&self, source: &Repository, tag: &Tag, found: Option<&Manifest>) {
        let key = (source.to_string(), tag.clone());
        let head = found.map(|manifest| ManifestHead {
            digest: manifest.digest.clone(),
            media_type: Some(manifest.media_type.clone().into()),
            size: Some(manifest.bytes.len() as u64),
        });
        let _ = self.heads.get_or_init(key, async || Ok(head)).await;
    }

    /// Returns the head of a digest tag.
    pub(crate) async fn head(
        &self,
        source: &Repository,
        tag: &Tag,
    ) -> Result<Option<ManifestHead>, Error> {
        let key = (source.to_string(), tag.clone());
        let query = || source.head_manifest(tag);
        self.heads.get_or_init(key, query).await
    }
}
