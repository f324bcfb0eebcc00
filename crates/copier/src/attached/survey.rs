//! The content that a source has attached to an image, for its approval.

use std::sync::Mutex;

use image_name::{AttachedDigest, Digest, DigestTagKind};
use once_map::OnceMap;
use registry_client::{
    Error, ManifestHead, ReferrerList, Referrers, Repository, Support, is_index_type,
};

use super::children::read_children;
use super::levels::visit_levels;
use crate::digest_tags::DigestTags;
use crate::image_copy::digests_of;
use crate::lock::lock;
use crate::report::RowError;
use crate::source_lists::SourceLists;
use crate::subject::Subject;

/// Lists the content that sources have attached to images: what a copy of them would copy.
///
/// Each list is requested once, and each image is surveyed once. Nothing is written.
#[derive(Debug, Default)]
pub struct AttachedSurvey {
    lists: SourceLists,
    /// By source repository and digest of the image.
    images: OnceMap<(String, Digest), Vec<AttachedDigest>>,
}

impl AttachedSurvey {
    /// Returns the digests attached to an image, to its children, and to other attached content.
    ///
    /// # Errors
    ///
    /// [`RowError::Read`] if the source fails or denies a list.
    pub async fn attached_to(
        &self,
        source: &Repository,
        head: &ManifestHead,
    ) -> Result<Vec<AttachedDigest>, RowError> {
        let key = (source.to_string(), head.digest.clone());
        let survey = || self.survey(source, head);
        self.images.get_or_try_init(key, survey).await
    }

    async fn survey(
        &self,
        source: &Repository,
        head: &ManifestHead,
    ) -> Result<Vec<AttachedDigest>, RowError> {
        let tags = self.lists.digest_tags(source).await;
        let tags = &*tags.map_err(RowError::Read)?;
        let survey = async || self.survey_unit(source, head, tags).await;
        source.with_document_memory(survey).await
    }

    async fn survey_unit(
        &self,
        source: &Repository,
        head: &ManifestHead,
        tags: &DigestTags,
    ) -> Result<Vec<AttachedDigest>, RowError> {
        let found = Mutex::new(Vec::new());
        let visit = async |subject: &Subject| {
            let attached = self
                .attached_directly(source, tags, &subject.digest)
                .await?;
            let referrers = attached.iter();
            let referrers = referrers.filter(|it| it.kind == DigestTagKind::Referrers);
            let referrers = referrers.map(|it| it.digest.clone()).collect();
            lock(&found).extend(attached);
            Ok(referrers)
        };
        let root = std::slice::from_ref(&head.digest);
        visit_levels(root, &visit).await?;
        let is_index = head.media_type.as_deref().is_none_or(is_index_type);
        if is_index && (!tags.is_empty() || source.referrers_support() != Support::No) {
            let children = read_children(source, &head.digest, RowError::Read).await?;
            visit_levels(&children, &visit).await?;
        }
        let mut found = found.into_inner().unwrap_or_default();
        found.sort();
        found.dedup();
        Ok(found)
    }

    /// Returns the digest tags and the referrers of one manifest.
    async fn attached_directly(
        &self,
        source: &Repository,
        tags: &DigestTags,
        subject: &Digest,
    ) -> Result<Vec<AttachedDigest>, RowError> {
        let attached = |kind, digest| AttachedDigest {
            subject: subject.clone(),
            kind,
            digest,
        };
        let mut found = Vec::new();
        for kind in DigestTagKind::COSIGN {
            let tag = subject.tag(kind);
            if tags.contains(&tag) {
                let head = source.head_manifest(&tag).await.map_err(RowError::Read)?;
                found.extend(head.map(|head| attached(kind, head.digest)));
            }
        }
        let referrers = self.referrers(source, tags, subject).await;
        let referrers = digests_of(&referrers.map_err(RowError::Read)?)?;
        let referrers = referrers.into_iter();
        found.extend(referrers.map(|digest| attached(DigestTagKind::Referrers, digest)));
        Ok(found)
    }

    async fn referrers(
        &self,
        source: &Repository,
        tags: &DigestTags,
        subject: &Digest,
    ) -> Result<ReferrerList, Error> {
        match self.lists.referrers(source, subject).await? {
            Referrers::Listed(listed) => Ok(listed),
            Referrers::Unsupported if tags.has_schema_tag(subject) => {
                source.referrers_by_tag(subject).await
            }
            Referrers::Unsupported => Ok(ReferrerList::default()),
        }
    }
}
