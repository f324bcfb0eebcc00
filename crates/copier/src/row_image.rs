//! The image of a row: its contents, its tag, and what is attached to it.

use image_name::{Digest, ManifestReference};
use registry_client::{Error, Manifest, ManifestHead, is_index_type, manifest_reference};

use crate::arch_tags::write_arch_tags;
use crate::attached::{AttachedCopy, Children};
use crate::attached_content::AttachedContent;
use crate::attached_outcome::AttachedOutcome;
use crate::child_presence::lacks_children;
use crate::engine::Engine;
use crate::gate::ArrivingImage;
use crate::head_cache::SourceHead;
use crate::image_copy::{ImageCopy, Presence};
use crate::platform_selection::NarrowedIndex;
use crate::report::RowError;
use crate::row::Row;
use crate::selected_image::SelectedImage;
use crate::source_group::SharedPulls;

/// The image of a row, which the synchronization of the row copies.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowImage<'a> {
    engine: &'a Engine<'a>,
    row: &'a Row,
}

/// The result of one image, before its row has an outcome.
#[derive(Debug)]
pub(crate) struct ImageResult {
    /// The digest at the destination.
    pub(crate) digest: Digest,
    /// A run that is not a dry run would write the image.
    pub(crate) would_write: bool,
    /// The attached content, or the reason why it is incomplete although the image is copied.
    pub(crate) attached: Result<AttachedOutcome, RowError>,
    /// The head of the source, if the tag was pushed again after its HEAD request.
    pub(crate) moved_head: Option<ManifestHead>,
    /// The digest of the source image, if the gate has admitted it.
    pub(crate) admitted: Option<Digest>,
}

/// An image that is copied, without what is attached to it.
#[derive(Debug)]
struct CopiedImage {
    result: ImageResult,
    /// The index has fewer children than that of the source.
    is_rebuilt: bool,
    /// The children, `None` in a dry run.
    children: Option<Children>,
}

impl<'a> RowImage<'a> {
    pub(crate) fn new(engine: &'a Engine<'a>, row: &'a Row) -> Self {
        Self { engine, row }
    }

    /// Returns false if the destination is known to lack children of an image that it has.
    pub(crate) async fn has_children(
        self,
        image: &ImageCopy<'_>,
        source: &SourceHead,
    ) -> Result<bool, RowError> {
        let media_type = source.head.media_type.as_deref();
        if !self.engine.options.check_children || !media_type.is_none_or(is_index_type) {
            return Ok(true);
        }
        let check = async || lacks_children(image.destination, &source.head.digest).await;
        let lacks_children = image.destination.with_document_memory(check);
        Ok(!lacks_children.await?)
    }

    /// The destination has the image; its referrers may be newer.
    pub(crate) async fn copy_referrers_only(
        self,
        image: &ImageCopy<'_>,
        source: &SourceHead,
    ) -> Result<ImageResult, RowError> {
        let digest = &source.head.digest;
        let media_type = source.head.media_type.as_deref();
        let children = if media_type.is_none_or(is_index_type) {
            Children::OfIndex(digest.clone())
        } else {
            Children::Known(Vec::new())
        };
        let referrers = self.copy_attached(image, Some(digest), &children).await;
        Ok(ImageResult {
            digest: digest.clone(),
            would_write: false,
            attached: referrers,
            moved_head: None,
            admitted: None,
        })
    }

    /// Copies the image, its tag last, then its referrers.
    pub(crate) async fn copy_image(
        self,
        image: &ImageCopy<'_>,
        source: &SourceHead,
        existing: Option<&ManifestHead>,
        pulls: Option<SharedPulls>,
    ) -> Result<ImageResult, RowError> {
        let copy = async || {
            image.size.reset();
            self.copy_selected(image, source, existing, pulls.as_ref())
                .await
        };
        let copied = source.repository.with_document_memory(copy).await?;
        drop(pulls);
        let Some(children) = &copied.children else {
            return Ok(copied.result);
        };
        // A referrer cannot refer to a rebuilt index. The manifests are dropped: the list of tags may wait
        // for memory.
        let root = (!copied.is_rebuilt).then_some(&copied.result.digest);
        let attached = self.copy_attached(image, root, children).await;
        Ok(ImageResult {
            attached,
            ..copied.result
        })
    }

    /// Copies the image without what is attached to it.
    async fn copy_selected(
        self,
        image: &ImageCopy<'_>,
        source: &SourceHead,
        existing: Option<&ManifestHead>,
        pulls: Option<&SharedPulls>,
    ) -> Result<CopiedImage, RowError> {
        let root = self.source_root(image, &source.head.digest).await?;
        let source_digest = &root.digest.clone();
        let moved_head = (*source_digest != source.head.digest).then(|| ManifestHead {
            digest: root.digest.clone(),
            media_type: Some(root.media_type.clone().into()),
            size: Some(root.bytes.len() as u64),
        });
        let selection = self.engine.options.platforms_of(self.row);
        let selected = SelectedImage::select(image, selection, root.clone()).await?;
        let digest = selected.root.digest.clone();
        let is_there = has_digest(existing, &digest);
        let admitted = self.admit(image, root, is_there).await?;
        let is_rebuilt = digest != *source_digest;
        if is_rebuilt {
            image.warn(format!(
                "the index was rebuilt with the selected platforms: \
                 its digest is {digest} instead of {source_digest}"
            ));
        }
        let is_dry_run = self.engine.options.dry_run;
        let result = ImageResult {
            would_write: is_dry_run && !has_digest(existing, &digest),
            digest,
            attached: Ok(AttachedOutcome::default()),
            moved_head,
            admitted,
        };
        let mut children = None;
        if !is_dry_run {
            let manifests = selected.children.as_ref().map_or(0, Vec::len) as u64;
            if let Some(pulls) = pulls {
                let extended = pulls.lock().await.extend(manifests).await;
                extended.map_err(RowError::Read)?;
            }
            let refused = self.create_repository(image, existing).await?;
            let written = self.write_image(image, &selected, existing).await;
            written.map_err(|error| more_telling(error, refused))?;
            children = Some(Children::from_selected(&selected)?);
        }
        Ok(CopiedImage {
            result,
            is_rebuilt,
            children,
        })
    }

    /// Asks the gate about an image that the destination lacks, or may lack in part although `is_there`.
    /// Returns the digest if the image was admitted.
    async fn admit(
        self,
        image: &ImageCopy<'_>,
        root: Manifest,
        is_there: bool,
    ) -> Result<Option<Digest>, RowError> {
        let options = self.engine.options;
        let selection = options.platforms_of(self.row);
        let is_sparse = selection.is_some_and(|it| it.index == NarrowedIndex::Sparse);
        let is_partial = is_sparse || options.check_children || options.arch_tags;
        let is_whole = is_there && !is_partial;
        let Some(gate) = options.gate.as_ref().filter(|_| !is_whole) else {
            return Ok(None);
        };
        let arriving = ArrivingImage {
            row: self.row,
            source: image.source,
            manifest: &root,
            lists: &self.engine.source_lists,
            manifests: &self.engine.manifests,
            texts: &self.engine.texts,
            blobs: &self.engine.read_blobs,
        };
        gate.admit(&arriving).await?;
        Ok(Some(root.digest))
    }

    /// Creates the destination repository, unless it has the tag. Returns the refusal of the API.
    async fn create_repository(
        self,
        image: &ImageCopy<'_>,
        existing: Option<&ManifestHead>,
    ) -> Result<Option<RowError>, RowError> {
        if existing.is_some() {
            return Ok(None);
        }
        let (setup, client) = (&self.engine.setup, &self.engine.client);
        setup.create(client, self.row, image.destination).await
    }

    /// Returns the manifest of the source image. A tag that was pushed again since its HEAD request
    /// is read once more, but an approved digest is not replaced.
    async fn source_root(
        self,
        image: &ImageCopy<'_>,
        digest: &Digest,
    ) -> Result<Manifest, RowError> {
        let reference = manifest_reference(&self.row.source).map_err(RowError::Name)?;
        let tag = reference.tag();
        let tag = tag.filter(|_| self.row.approved_digest().is_none());
        let root = match tag {
            Some(tag) => image.source_manifest_of_tag(tag, digest).await?,
            None => image.source_manifest(digest).await?,
        };
        root.ok_or_else(|| RowError::SourceMissing {
            reference: format!("{}@{digest}", self.row.source),
            now: None,
        })
    }

    /// Writes the missing contents of an image, then its tags.
    async fn write_image(
        self,
        image: &ImageCopy<'_>,
        selected: &SelectedImage,
        existing: Option<&ManifestHead>,
    ) -> Result<(), RowError> {
        let (root, options) = (&selected.root, self.engine.options);
        let is_same = has_digest(existing, &root.digest);
        let presence = match existing {
            Some(_) => Presence::Unknown,
            None => Presence::Absent,
        };
        // The digest of a sparse index does not show which children are there.
        let selection = options.platforms_of(self.row);
        let is_sparse = selection.is_some_and(|it| it.index == NarrowedIndex::Sparse);
        match &selected.children {
            Some(children) if !is_same || is_sparse || options.check_children => {
                image
                    .copy_children(&root.digest, children, presence, 1)
                    .await?;
            }
            None if !is_same => image.copy_contents(root, None, presence, 0).await?,
            _ => {}
        }
        let reference = manifest_reference(&self.row.destination).map_err(RowError::Name)?;
        let reference = match reference {
            // The row names the digest of the source's index, not that of the rebuilt one.
            ManifestReference::Digest(_) => ManifestReference::from(&root.digest),
            tag @ ManifestReference::Tag(_) => tag,
        };
        if !is_same {
            image.write_manifest(&reference, root).await?;
        }
        if let Some(tag) = reference.tag().filter(|_| options.arch_tags) {
            write_arch_tags(image, tag, selected).await?;
        }
        Ok(())
    }

    async fn copy_attached(
        self,
        image: &ImageCopy<'_>,
        root: Option<&Digest>,
        children: &Children,
    ) -> Result<AttachedOutcome, RowError> {
        let options = self.engine.options;
        if !options.copies_referrers_of(self.row) || options.dry_run {
            return Ok(AttachedOutcome::default());
        }
        if image.attached == AttachedContent::Nothing {
            let what = "no attached content is copied";
            image.warn(format!(
                "the policy rejects the source of this image, so {what}"
            ));
            return Ok(AttachedOutcome::default());
        }
        let copy = AttachedCopy::new(image, self.row).await?;
        copy.run(root, children).await
    }
}

/// Returns the error of an upload, or the refusal to create the repository if the registry responds as
/// if it did not exist.
fn more_telling(error: RowError, refused: Option<RowError>) -> RowError {
    let is_missing = |error: &Error| {
        error.is_refused() || error.status().is_some_and(|status| status.as_u16() == 404)
    };
    match (&error, refused) {
        (RowError::Write(wire), Some(refused)) if is_missing(wire) => refused,
        _ => error,
    }
}

/// Returns true if a head has a digest.
pub(crate) fn has_digest(head: Option<&ManifestHead>, digest: &Digest) -> bool {
    head.is_some_and(|head| head.digest == *digest)
}
