//! What is attached to an image: referrers and digest tags.
//!
//! Sources: distribution specification, "Listing Referrers", "Referrers Tag
//! Schema"; cosign, "Signature Specification" (digest tags).

use std::sync::Arc;

use futures::future::{FutureExt, LocalBoxFuture, try_join_all};
use oci_spec::image::{Descriptor, Digest};
use registry_client::{Content, Error, Referrers, Support, is_index_type, referrers_tag};

use crate::digest_tags::DigestTags;
use crate::doubts::Denied;
use crate::engine::Passage;
use crate::images::Expect;
use crate::referrers_index;
use crate::report::RowError;

/// Signatures of signatures of signatures: deeper is no signature any more.
const DEPTH: usize = 4;

impl Passage<'_> {
    /// Copies what is attached to an image and to the children of an index.
    /// An image that was rebuilt has no `root` that anything could refer to.
    ///
    /// What may not be listed (401, 403) becomes a warning of the row.
    ///
    /// # Errors
    ///
    /// [`RowError::Referrer`] where something exists but cannot be copied.
    pub(crate) async fn copy_attached(
        &self,
        root: Option<&Digest>,
        children: Children<'_>,
    ) -> Result<(), RowError> {
        let tags = self.digest_tags().await?;
        if let Some(root) = root {
            self.copy_attached_to(root, &tags, 0).await?;
        }
        if tags.is_empty() && self.source.referrers_support() == Support::No {
            return Ok(());
        }
        let children = match children {
            Children::Known(digests) => digests.to_vec(),
            Children::AtTarget(index) => self.children_at_target(index).await?,
            Children::None => return Ok(()),
        };
        let copies = children
            .iter()
            .map(|child| self.copy_attached_to(child, &tags, 0));
        try_join_all(copies).await.map(drop)
    }

    /// One tag listing for each source repository.
    async fn digest_tags(&self) -> Result<Arc<DigestTags>, RowError> {
        let ask = || async {
            let tags = self.source.tags().await?;
            Ok(Arc::new(
                tags.map_or_else(DigestTags::denied, DigestTags::among),
            ))
        };
        let listed = self
            .engine
            .digest_tags
            .get_or_init(self.source.to_string(), ask)
            .await;
        let tags = self.listed(listed, "the tags of the source")?;
        if tags.is_denied() {
            self.doubt(Denied::Tags);
        }
        Ok(tags)
    }

    /// A list that may not be read is a warning and counts as empty.
    fn listed<T: Default>(&self, list: Result<T, Error>, what: &str) -> Result<T, RowError> {
        match list {
            Ok(list) => Ok(list),
            Err(error) if error.is_refused() => {
                self.warn(format!("{what} may not be listed, so signatures and other referrers may be missing: {error}"));
                Ok(T::default())
            }
            Err(error) => Err(RowError::Referrer {
                what: what.to_owned(),
                error: Box::new(RowError::Read(error)),
            }),
        }
    }

    /// The children of an index that is at the target, nested ones included;
    /// read once however many tags of a repository name it.
    async fn children_at_target(&self, root: &Digest) -> Result<Vec<Digest>, RowError> {
        let key = (self.target_name.clone(), root.clone());
        let read = || self.read_children_at_target(root);
        self.destination.children.get_or_try_init(key, read).await
    }

    async fn read_children_at_target(&self, root: &Digest) -> Result<Vec<Digest>, RowError> {
        let mut found = Vec::new();
        let mut indexes = vec![root.clone()];
        while let Some(index) = indexes.pop() {
            let manifest = self
                .target
                .manifest(index.as_ref())
                .await
                .map_err(RowError::Write)?;
            let content = manifest.and_then(|manifest| manifest.content().ok());
            let Some(Content::Index { manifests, .. }) = content else {
                continue;
            };
            for child in manifests {
                if is_index_type(child.media_type().as_ref()) && !found.contains(child.digest()) {
                    indexes.push(child.digest().clone());
                }
                found.push(child.digest().clone());
            }
        }
        Ok(found)
    }

    /// Copies what is attached to one manifest, once for each source and
    /// target however many rows have it.
    fn copy_attached_to<'f>(
        &'f self,
        subject: &'f Digest,
        tags: &'f DigestTags,
        depth: usize,
    ) -> LocalBoxFuture<'f, Result<(), RowError>> {
        let key = (
            self.source.to_string(),
            self.target_name.clone(),
            subject.clone(),
        );
        let copy = move || async move {
            for tag in tags.suffixed(subject) {
                let copied = self.copy_digest_tag(tag).await;
                copied.map_err(|error| RowError::Referrer {
                    what: format!("the tag {tag}"),
                    error: Box::new(error),
                })?;
            }
            let referrers = self.source_referrers(subject, tags).await?;
            self.copy_referrers(subject, &referrers).await?;
            if depth < DEPTH {
                let deeper = referrers.iter();
                let deeper = deeper
                    .map(|referrer| self.copy_attached_to(referrer.digest(), tags, depth + 1));
                try_join_all(deeper).await?;
            }
            Ok(())
        };
        self.destination
            .attached
            .get_or_try_init(key, copy)
            .boxed_local()
    }

    /// Copies a tag that is named after a digest, where the target has other
    /// content under it or none.
    async fn copy_digest_tag(&self, tag: &str) -> Result<(), RowError> {
        let (here, there) = futures::join!(
            self.source.head_manifest(tag),
            self.target.head_manifest(tag)
        );
        let Some(here) = here.map_err(RowError::Read)? else {
            return Ok(());
        };
        let there = there.map_err(RowError::Write)?;
        if there.is_some_and(|there| there.digest == here.digest) {
            return Ok(());
        }
        let Some(manifest) = self.source_manifest(&here.digest).await? else {
            return Ok(());
        };
        self.ensure_contents(&manifest, None, Expect::Unknown, 0)
            .await?;
        self.put(tag, &manifest).await
    }

    /// The referrers at the source, by the API or by the tag schema. Nothing
    /// where the schema's tag is the same on both sides.
    async fn source_referrers(
        &self,
        subject: &Digest,
        tags: &DigestTags,
    ) -> Result<Vec<Descriptor>, RowError> {
        let what = format!("the referrers of {subject}");
        // Other destinations of the same image need them too.
        let key = (self.source.to_string(), subject.clone());
        let ask = || self.source.referrers(subject);
        match self.engine.referrers.get_or_init(key, ask).await {
            Ok(Referrers::Listed(list)) => return Ok(list),
            Ok(Referrers::Unsupported) => self.doubt(Denied::Referrers),
            Err(error) => return self.listed(Err(error), &what),
        }
        if !tags.has_schema_tag(subject) {
            return Ok(Vec::new());
        }
        let tag = referrers_tag(subject);
        let (here, there) = futures::join!(
            self.source.head_manifest(&tag),
            self.target.head_manifest(&tag)
        );
        match (self.listed(here, &what)?, there) {
            (Some(here), Ok(Some(there))) if here.digest == there.digest => Ok(Vec::new()),
            _ => self.listed(self.source.referrers_by_tag(subject).await, &what),
        }
    }

    async fn copy_referrers(
        &self,
        subject: &Digest,
        referrers: &[Descriptor],
    ) -> Result<(), RowError> {
        if referrers.is_empty() {
            return Ok(());
        }
        let known = match self.target.referrers_support() {
            Support::Unknown => self
                .target
                .referrers(subject)
                .await
                .map_err(RowError::Write)?,
            Support::Yes => Referrers::Listed(Vec::new()),
            Support::No => Referrers::Unsupported,
        };
        match known {
            Referrers::Listed(known) => {
                let missing = referrers_index::missing(referrers, &known);
                self.copy_each(subject, &missing).await
            }
            Referrers::Unsupported => {
                let known = self
                    .target
                    .referrers_by_tag(subject)
                    .await
                    .map_err(RowError::Write)?;
                let missing = referrers_index::missing(referrers, &known);
                if missing.is_empty() {
                    return Ok(());
                }
                self.copy_each(subject, &missing).await?;
                let index = referrers_index::with(&known, &missing);
                self.put(&referrers_tag(subject), &index).await
            }
        }
    }

    async fn copy_each(&self, subject: &Digest, referrers: &[Descriptor]) -> Result<(), RowError> {
        let copies = referrers.iter().map(|referrer| async move {
            let copied = self
                .ensure_child(subject, referrer, Expect::Unknown, 1)
                .await;
            copied.map_err(|error| RowError::Referrer {
                what: format!("the referrer {} of {subject}", referrer.digest()),
                error: Box::new(error),
            })
        });
        try_join_all(copies).await.map(drop)
    }
}

/// Where the children of an image are known from.
#[derive(Debug)]
pub(crate) enum Children<'a> {
    /// They were just copied.
    Known(&'a [Digest]),
    /// The image was there already: its index is read at the target.
    AtTarget(&'a Digest),
    /// The image is no index.
    None,
}
