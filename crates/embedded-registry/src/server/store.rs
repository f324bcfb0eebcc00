//! The content of the registry behind one lock, which is not held while bytes are transferred.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use oci_spec::image::Digest;

use super::manifest_fields::{ManifestFields, Referrer};
use super::route::Reference;

/// A manifest and the media type of its push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredManifest {
    /// The `Content-Type` of the push.
    pub media_type: String,
    /// The digest of `bytes`.
    pub digest: Digest,
    /// The manifest as it was pushed.
    pub bytes: Bytes,
}

#[derive(Debug, Default)]
struct Repository {
    blobs: HashMap<Digest, Bytes>,
    manifests: HashMap<Digest, StoredManifest>,
    tags: BTreeMap<String, Digest>,
    /// By subject, then by digest: pages need an order.
    referrers: HashMap<Digest, BTreeMap<String, Referrer>>,
}

/// The part of a request that does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotFound {
    Repository,
    Content,
}

/// A page of a list.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    /// True if another page follows.
    pub(crate) has_more: bool,
}

/// The repositories by name.
#[derive(Debug, Default)]
pub(crate) struct Store(Mutex<BTreeMap<String, Repository>>);

impl Store {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Repository>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    pub(crate) fn blob(&self, repository: &str, digest: &Digest) -> Option<Bytes> {
        self.lock().get(repository)?.blobs.get(digest).cloned()
    }

    pub(crate) fn put_blob(&self, repository: &str, digest: Digest, bytes: Bytes) {
        let mut repositories = self.lock();
        let repository = repositories.entry(repository.to_owned()).or_default();
        repository.blobs.insert(digest, bytes);
    }

    pub(crate) fn remove_blob(&self, repository: &str, digest: &Digest) -> bool {
        let mut repositories = self.lock();
        repositories
            .get_mut(repository)
            .is_some_and(|repository| repository.blobs.remove(digest).is_some())
    }

    /// Shares a blob of `from` with `to`. Returns whether `from` has the blob.
    pub(crate) fn mount(&self, from: &str, to: &str, digest: &Digest) -> bool {
        let Some(bytes) = self.blob(from, digest) else {
            return false;
        };
        self.put_blob(to, digest.clone(), bytes);
        true
    }

    pub(crate) fn manifest(
        &self,
        repository: &str,
        reference: &Reference,
    ) -> Result<StoredManifest, NotFound> {
        let repositories = self.lock();
        let repository = repositories.get(repository).ok_or(NotFound::Repository)?;
        let digest = match reference {
            Reference::Tag(tag) => repository.tags.get(tag).ok_or(NotFound::Content)?,
            Reference::Digest(digest) => digest,
        };
        let manifest = repository.manifests.get(digest).ok_or(NotFound::Content)?;
        Ok(manifest.clone())
    }

    /// Returns those of `blobs` and `children` that the repository lacks.
    pub(crate) fn missing<'a>(
        &self,
        repository: &str,
        blobs: impl Iterator<Item = &'a Digest>,
        children: impl Iterator<Item = &'a Digest>,
    ) -> Vec<&'a Digest> {
        let repositories = self.lock();
        let repository = repositories.get(repository);
        let has_blob = |digest: &&Digest| repository.is_some_and(|r| r.blobs.contains_key(*digest));
        let has_child =
            |digest: &&Digest| repository.is_some_and(|r| r.manifests.contains_key(*digest));
        blobs
            .filter(|digest| !has_blob(digest))
            .chain(children.filter(|digest| !has_child(digest)))
            .collect()
    }

    pub(crate) fn put_manifest(
        &self,
        repository: &str,
        tag: Option<&str>,
        manifest: StoredManifest,
        fields: &ManifestFields,
    ) {
        let mut repositories = self.lock();
        let repository = repositories.entry(repository.to_owned()).or_default();
        let digest = manifest.digest.clone();
        if let Some(subject) = fields.subject() {
            let referrer = fields.referrer(&manifest.media_type, &digest, manifest.bytes.len());
            let referrers = repository.referrers.entry(subject.clone()).or_default();
            referrers.insert(digest.to_string(), referrer);
        }
        if let Some(tag) = tag {
            repository.tags.insert(tag.to_owned(), digest.clone());
        }
        repository.manifests.insert(digest, manifest);
    }

    /// Removes a tag, or a manifest with all its tags and its entry as a referrer.
    pub(crate) fn remove_manifest(
        &self,
        repository: &str,
        reference: &Reference,
    ) -> Result<(), NotFound> {
        let mut repositories = self.lock();
        let repository = repositories
            .get_mut(repository)
            .ok_or(NotFound::Repository)?;
        match reference {
            Reference::Tag(tag) => {
                repository.tags.remove(tag).ok_or(NotFound::Content)?;
            }
            Reference::Digest(digest) => {
                repository
                    .manifests
                    .remove(digest)
                    .ok_or(NotFound::Content)?;
                repository.tags.retain(|_, tagged| tagged != digest);
                for referrers in repository.referrers.values_mut() {
                    referrers.remove(digest.as_ref());
                }
            }
        }
        Ok(())
    }

    /// Returns the manifests of a repository, in the order of their digests.
    pub(crate) fn manifests(&self, repository: &str) -> Vec<StoredManifest> {
        let repositories = self.lock();
        let manifests = repositories.get(repository).map(|it| it.manifests.values());
        let mut manifests: Vec<_> = manifests.into_iter().flatten().cloned().collect();
        manifests.sort_by(|one, other| one.digest.as_ref().cmp(other.digest.as_ref()));
        manifests
    }

    /// Returns the tags after `last` in byte order, `None` if there is no such repository.
    pub(crate) fn tags(&self, repository: &str, last: &str, limit: usize) -> Option<Page<String>> {
        let repositories = self.lock();
        let tags = &repositories.get(repository)?.tags;
        Some(page(after(tags, last).map(|(tag, _)| tag.clone()), limit))
    }

    /// Returns the names of repositories after `last` in byte order.
    pub(crate) fn repositories(&self, last: &str, limit: usize) -> Page<String> {
        let repositories = self.lock();
        page(
            after(&repositories, last).map(|(name, _)| name.clone()),
            limit,
        )
    }

    /// Returns the referrers of `subject` after the digest `last`, optionally those of one artifact
    /// type.
    pub(crate) fn referrers(
        &self,
        repository: &str,
        subject: &Digest,
        artifact_type: Option<&str>,
        last: &str,
        limit: usize,
    ) -> Page<Referrer> {
        let repositories = self.lock();
        let referrers = repositories
            .get(repository)
            .and_then(|repository| repository.referrers.get(subject))
            .into_iter()
            .flat_map(|referrers| after(referrers, last))
            .map(|(_, referrer)| referrer)
            .filter(|referrer| {
                artifact_type.is_none_or(|filter| referrer.artifact_type.as_deref() == Some(filter))
            })
            .cloned();
        page(referrers, limit)
    }
}

fn after<'a, T>(
    map: &'a BTreeMap<String, T>,
    last: &str,
) -> impl Iterator<Item = (&'a String, &'a T)> + use<'a, T> {
    map.range::<str, _>((Bound::Excluded(last), Bound::Unbounded))
}

fn page<T>(mut items: impl Iterator<Item = T>, limit: usize) -> Page<T> {
    Page {
        items: items.by_ref().take(limit).collect(),
        has_more: items.next().is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_reports_whether_items_follow() {
        let map: BTreeMap<String, ()> = ["a", "b", "c"].map(|key| (key.to_owned(), ())).into();
        let list = |last, limit| page(after(&map, last).map(|(key, ())| key.as_str()), limit);
        let table = [
            ("", 2, vec!["a", "b"], true),
            ("b", 2, vec!["c"], false),
            ("a", 2, vec!["b", "c"], false),
            ("aa", 1, vec!["b"], true),
            ("c", 5, vec![], false),
            ("", 0, vec![], true),
        ];
        for (last, limit, items, has_more) in table {
            assert_eq!(
                list(last, limit),
                Page { items, has_more },
                "{last} {limit}"
            );
        }
    }
}
