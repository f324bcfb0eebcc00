//! The lists of sources that name attached content, each requested once.

use std::sync::Arc;

use image_name::Digest;
use once_map::OnceMap;
use registry_client::{Error, Referrers, Repository, TagLists};

use crate::digest_tags::DigestTags;

/// The digest tags and referrers at the sources.
#[derive(Debug, Default)]
pub(crate) struct SourceLists {
    /// By source repository.
    digest_tags: OnceMap<String, Result<Arc<DigestTags>, Error>>,
    /// Lists that were read before the run.
    known: Arc<TagLists>,
    /// By source repository and digest.
    referrers: OnceMap<(String, Digest), Result<Referrers, Error>>,
}

impl SourceLists {
    /// Creates the lists of a run.
    pub(crate) fn new(known: Arc<TagLists>) -> Self {
        Self {
            known,
            ..Self::default()
        }
    }

    /// Returns the digest tags of a repository.
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
            let tags = tags.map_or_else(DigestTags::not_listed, DigestTags::from_list);
            Ok(Arc::new(tags))
        };
        let lists = &self.digest_tags;
        lists.get_or_init(source.to_string(), list).await
    }

    /// Returns the referrers of a manifest from the API. Other destinations of the same image need
    /// them too.
    pub(crate) async fn referrers(
        &self,
        source: &Repository,
        subject: &Digest,
    ) -> Result<Referrers, Error> {
        let key = (source.to_string(), subject.clone());
        let list = || source.referrers(subject);
        self.referrers.get_or_init(key, list).await
    }
}
