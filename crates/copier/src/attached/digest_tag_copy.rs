//! The copy of cosign's digest tags, and the rule when one is overwritten.

use image_name::{AttachedDigest, Digest, DigestTagKind, Tag};

use super::attached_copy::{AttachedCopy, SubjectCopy, left_out};
use crate::attached_outcome::AddedAttached;
use crate::image_copy::Presence;
use crate::lock::lock;
use crate::report::RowError;
use crate::subject_approval::TagDecision;

impl AttachedCopy<'_> {
    /// Copies the digest tags about a subject that the source has or the row approves.
    pub(super) async fn copy_digest_tags(&self, copy: &SubjectCopy<'_>) -> Result<(), RowError> {
        for kind in DigestTagKind::COSIGN {
            let tag = copy.subject.digest.tag(kind);
            let is_listed = self.tags.contains(&tag);
            if !is_listed && !copy.approval.has_approved(kind) {
                continue;
            }
            let copied = self.copy_digest_tag(copy, kind, is_listed).await;
            copied.map_err(|error| RowError::Referrer {
                what: format!("the tag {tag}"),
                error: Box::new(error),
            })?;
        }
        Ok(())
    }

    async fn copy_digest_tag(
        &self,
        copy: &SubjectCopy<'_>,
        kind: DigestTagKind,
        is_listed: bool,
    ) -> Result<(), RowError> {
        let image = self.image;
        let tag = &copy.subject.digest.tag(kind);
        let source = async {
            match is_listed {
                true => image.engine.source_lists.head(image.source, tag).await,
                false => Ok(None),
            }
        };
        let (source, existing) = futures::join!(source, image.destination.head_manifest(tag));
        let source = match source {
            // The row has a warning that the tags of the source are not listed.
            Err(error) if self.tags.may_exist() && error.is_not_served() => None,
            source => source.map_err(RowError::Read)?,
        };
        let source = source.map(|head| head.digest);
        let existing = existing.map_err(RowError::Write)?.map(|head| head.digest);
        let decision = copy.approval.digest_tag(kind, source.as_ref());
        let TagDecision {
            wanted,
            added,
            moved,
        } = decision;
        let present = match &wanted {
            Some(wanted) => self.bring(copy, wanted, existing.as_ref()).await?,
            None => None,
        };
        let mut copied = lock(&copy.copied);
        let added = added.map(|attached| AddedAttached {
            copied: present.is_some(),
            attached: present.clone().unwrap_or(attached),
        });
        copied.outcome.present.extend(present);
        copied.outcome.added.extend(added);
        copied.outcome.moved.extend(moved);
        Ok(())
    }

    /// Brings content to the destination under its digest tag. Returns the content that is there.
    /// It has another digest if the source's tag was pushed again in the meantime.
    async fn bring(
        &self,
        copy: &SubjectCopy<'_>,
        wanted: &AttachedDigest,
        existing: Option<&Digest>,
    ) -> Result<Option<AttachedDigest>, RowError> {
        let (image, tag) = (self.image, wanted.tag());
        let writes = &image.engine.digest_tag_writes;
        let claimed = writes.claim(image.destination, &tag, &wanted.digest);
        if existing == Some(&wanted.digest) {
            return Ok(Some(wanted.clone()));
        }
        if let Some(warning) = self.refusal(copy, wanted, existing, claimed) {
            copy.warn(warning);
            return Ok(None);
        }
        let manifest = if copy.approval.is_approved(wanted) {
            image.source_manifest(&wanted.digest).await?
        } else {
            image.source_manifest_of_tag(&tag, &wanted.digest).await?
        };
        let Some(manifest) = manifest else {
            copy.warn(format!(
                "the source no longer has {} for the tag {tag}; it is not copied",
                wanted.digest
            ));
            return Ok(None);
        };
        match image.check_permitted(&manifest).await {
            Err(RowError::Runnable(runnable)) => {
                copy.warn(left_out(&format!("the tag {tag} with"), &runnable));
                return Ok(None);
            }
            checked => checked?,
        }
        if !self.plan_digest_tags(copy.subject).await? {
            return Ok(None);
        }
        image
            .copy_contents(&manifest, None, Presence::Unknown, 0)
            .await?;
        image.write_manifest(tag, &manifest).await?;
        Ok(Some(copy.approval.attached(wanted.kind, &manifest.digest)))
    }

    /// Returns the reason why a digest tag is not written. It is overwritten only if its content
    /// is known to come from an earlier run for this row, or by
    /// [`Options::overwrite_signatures`](crate::Options::overwrite_signatures).
    fn refusal(
        &self,
        copy: &SubjectCopy<'_>,
        wanted: &AttachedDigest,
        existing: Option<&Digest>,
        claimed: Result<(), Digest>,
    ) -> Option<String> {
        let tag = wanted.tag();
        if let Err(other) = claimed {
            return Some(not_overwritten(
                &tag,
                &format!("another row of this run has {other} under it"),
                &wanted.digest,
            ));
        }
        let existing = existing?;
        let writes = &self.image.engine.digest_tag_writes;
        if copy.approval.has_brought(wanted.kind, existing) || writes.may_overwrite(self.row) {
            return None;
        }
        Some(not_overwritten(
            &tag,
            &format!("the destination has {existing}, which is not known to come from this source"),
            &wanted.digest,
        ))
    }
}

/// Returns the warning about a digest tag that keeps its content.
pub(super) fn not_overwritten(tag: &Tag, reason: &str, wanted: &Digest) -> String {
    format!(
        "the tag {tag} is not overwritten: {reason}, and the source has {wanted}; compare them, and \
         run with --overwrite-signatures to overwrite the tag"
    )
}
