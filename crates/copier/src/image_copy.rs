//! The copy of one image: children before parents, blobs before manifests.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use futures::future::{FutureExt, LocalBoxFuture};
use image_name::{Digest, ManifestReference, Tag};
use registry_client::{Blob, Content, Descriptor, Manifest, Repository, cut_sent_secrets};

use crate::attached_content::{AttachedContent, check_document};
use crate::concurrently::{BLOBS, MANIFESTS, try_all};
use crate::destination::{ContentOrigin, DestinationRegistry};
use crate::engine::Engine;
use crate::image_limits::{LimitExceeded, TreeSize, check_children};
use crate::image_reads::ImageReads;
use crate::listing_gaps::ListingGap;
use crate::lock::lock;
use crate::platform::Platform;
use crate::report::RowError;
use crate::subject::{Subject, check_subject};
use crate::warnings::Warnings;

/// Maximum nesting of indexes; real images have two levels.
const MAX_DEPTH: usize = 8;
/// Maximum number of layers of one manifest. Container runtimes stop at 127, artifacts may have
/// more.
const MAX_LAYERS: usize = 10_000;

/// The copy of one image from a source repository to a destination repository, with what the
/// outcome of its row reports.
#[derive(Debug)]
pub(crate) struct ImageCopy<'a> {
    pub(crate) engine: &'a Engine<'a>,
    pub(crate) source: &'a Repository,
    /// The source, shared by the locations of its blobs.
    pub(crate) own_source: Arc<[Repository]>,
    pub(crate) destination: &'a Repository,
    /// The registry of the destination.
    pub(crate) registry: &'a DestinationRegistry,
    /// The reads that it shares with other rows.
    pub(crate) reads: ImageReads,
    /// The attached content that may be copied.
    pub(crate) attached: AttachedContent,
    bytes_sent: AtomicU64,
    manifests_written: AtomicU64,
    /// The manifests of the row.
    pub(crate) size: TreeSize,
    warnings: Mutex<Warnings>,
    listing_gaps: Mutex<BTreeSet<ListingGap>>,
}

/// The presence of content at the destination, as far as it is known before a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    /// The parent is missing, so its children are copied without a query.
    Absent,
    /// Some children may be present.
    Unknown,
}

/// The relation of a manifest to the one that it is copied for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Relation<'a> {
    /// An index lists it.
    Child,
    /// It is listed as a referrer, and must have the other manifest as its subject.
    Referrer(&'a Subject),
}

/// A manifest that is copied for another one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RelatedManifest<'a> {
    pub(crate) descriptor: &'a Descriptor,
    /// The manifest that it is copied for.
    pub(crate) parent: &'a Digest,
    pub(crate) relation: Relation<'a>,
    pub(crate) presence: Presence,
    /// Levels below the image of the row, which has 0.
    pub(crate) depth: usize,
}

impl<'a> ImageCopy<'a> {
    pub(crate) fn new(
        engine: &'a Engine<'a>,
        source: &'a Repository,
        destination: &'a Repository,
        registry: &'a DestinationRegistry,
        reads: ImageReads,
    ) -> Self {
        Self {
            engine,
            source,
            own_source: Arc::from([source.clone()]),
            destination,
            registry,
            reads,
            attached: AttachedContent::All,
            bytes_sent: AtomicU64::new(0),
            manifests_written: AtomicU64::new(0),
            size: TreeSize::default(),
            warnings: Mutex::default(),
            listing_gaps: Mutex::default(),
        }
    }

    /// Sets the attached content that may be copied.
    pub(crate) fn with_attached(self, attached: AttachedContent) -> Self {
        Self { attached, ..self }
    }

    /// Copies everything under a manifest that the destination lacks.
    ///
    /// `depth` is 0 for the image of a row.
    pub(crate) fn copy_contents<'f>(
        &'f self,
        manifest: &'f Manifest,
        platform: Option<&'f Platform>,
        presence: Presence,
        depth: usize,
    ) -> LocalBoxFuture<'f, Result<(), RowError>> {
        async move {
            if depth > MAX_DEPTH {
                let detail = format!("it is nested in more than {MAX_DEPTH} indexes");
                return Err(LimitExceeded::new(&manifest.digest, detail).into());
            }
            match manifest.content()? {
                Content::Index { manifests, .. } => {
                    self.copy_children(&manifest.digest, &manifests, presence, depth + 1)
                        .await
                }
                Content::Image { config, layers, .. } => {
                    if layers.len() > MAX_LAYERS {
                        let detail = format!("{} layers, at most {MAX_LAYERS}", layers.len());
                        return Err(LimitExceeded::new(&manifest.digest, detail).into());
                    }
                    let blobs = config.as_deref().into_iter().chain(&layers);
                    let blobs = blobs.filter(|blob| !blob.is_foreign());
                    let (shared, digest) = (&self.engine.reads, &manifest.digest);
                    self.reads
                        .expect(shared, self.source, digest, blobs.clone())?;
                    let copies = blobs.map(|blob| async move {
                        let blob = self.source_blob(blob).await?;
                        self.copy_blob(&blob, platform).await
                    });
                    try_all(BLOBS, copies).await?;
                    self.copy_foreign_layers(digest, &layers).await
                }
            }
        }
        .boxed_local()
    }

    /// Copies the children of an index that the destination lacks.
    pub(crate) async fn copy_children(
        &self,
        parent: &Digest,
        children: &[Descriptor],
        presence: Presence,
        depth: usize,
    ) -> Result<(), RowError> {
        check_children(parent, children)?;
        self.size.add(parent, children.len())?;
        let copies = children.iter().map(|descriptor| {
            self.copy_related(RelatedManifest {
                descriptor,
                parent,
                relation: Relation::Child,
                presence,
                depth,
            })
        });
        try_all(MANIFESTS, copies).await.map(drop)
    }

    /// Copies one manifest with everything under it, unless the destination has it. Rows that
    /// need the same manifest wait for one copy.
    pub(crate) fn copy_related<'f>(
        &'f self,
        manifest: RelatedManifest<'f>,
    ) -> LocalBoxFuture<'f, Result<(), RowError>> {
        async move {
            let digest = manifest.descriptor.digest().try_into()?;
            let key = (self.destination.path().clone(), digest);
            let copy = || self.copy_missing(manifest);
            // A cell waits only for cells of content that it lists by digest, and no content can
            // list itself, so cells never wait for each other in a circle.
            let copied = self.registry.manifests.get_or_try_init(key.clone(), copy);
            copied.await?;
            self.reads.skip(&key.1);
            Ok(())
        }
        .boxed_local()
    }

    async fn copy_missing(&self, related: RelatedManifest<'_>) -> Result<ContentOrigin, RowError> {
        let digest = &Digest::try_from(related.descriptor.digest())?;
        let is_child = matches!(related.relation, Relation::Child);
        let may_be_blob = is_child && related.descriptor.may_be_blob();
        if related.presence == Presence::Unknown {
            match self.destination.head_manifest(digest).await {
                Ok(Some(_)) => return Ok(ContentOrigin::Present),
                Ok(None) => {}
                Err(error) if may_be_blob && error.is_not_served() => {}
                Err(error) => return Err(RowError::Write(error)),
            }
        }
        let platform = Platform::of(related.descriptor);
        let manifest = match self.source_manifest(digest).await {
            Ok(Some(manifest)) => manifest,
            Ok(None) => {
                self.copy_blob_child(related.parent, related.descriptor)
                    .await?;
                return Ok(ContentOrigin::Sent);
            }
            Err(RowError::Read(error)) if may_be_blob && error.is_not_served() => {
                let copied = self.copy_blob_child(related.parent, related.descriptor);
                let copied = copied.await.map_err(|failed| match failed {
                    // The blob is missing too, so the response about the manifest says more.
                    RowError::Incomplete { .. } => RowError::Read(error),
                    failed => failed,
                });
                return copied.map(|()| ContentOrigin::Sent);
            }
            Err(error) => return Err(error),
        };
        if let Relation::Referrer(subject) = related.relation {
            self.check_attached(subject).await?;
            check_subject(&manifest, &subject.digest)?;
            self.check_permitted(&manifest).await?;
        }
        self.copy_contents(
            &manifest,
            platform.as_ref(),
            related.presence,
            related.depth,
        )
        .await?;
        self.write_manifest(digest, &manifest).await?;
        Ok(ContentOrigin::Sent)
    }

    /// Copies content of an index that is not a manifest. Registries store it as a blob.
    async fn copy_blob_child(&self, parent: &Digest, child: &Descriptor) -> Result<(), RowError> {
        let digest = Digest::try_from(child.digest())?;
        let key = (self.source.to_string(), digest.clone());
        let query = || self.source.has_content(&digest, child.size());
        let shown = &self.engine.shown_blobs;
        let is_at_source = match shown.get_or_try_init(key, query).await {
            // The download decides.
            Err(error) if error.is_not_served() => true,
            is_at_source => is_at_source.map_err(RowError::Read)?,
        };
        if is_at_source {
            let blob = self.source_blob(child).await?;
            return self.copy_blob(&blob, None).await;
        }
        Err(RowError::Incomplete {
            parent: parent.clone(),
            child: digest,
        })
    }

    /// Checks that a subject belongs to the image of the row, before anything about it is
    /// written. A subject that is itself a referrer may be at the destination already, unread in
    /// this run.
    ///
    /// # Errors
    ///
    /// [`RowError::SubjectMismatch`].
    pub(crate) async fn check_attached(&self, subject: &Subject) -> Result<(), RowError> {
        let Some(listed) = &subject.refers_to else {
            return Ok(());
        };
        match self.source_manifest(&subject.digest).await? {
            Some(manifest) => check_subject(&manifest, listed),
            None => Err(RowError::Incomplete {
                parent: listed.clone(),
                child: subject.digest.clone(),
            }),
        }
    }

    /// Checks that attached content may be copied.
    ///
    /// # Errors
    ///
    /// [`RowError::Runnable`].
    pub(crate) async fn check_permitted(&self, manifest: &Manifest) -> Result<(), RowError> {
        if self.attached == AttachedContent::All {
            return Ok(());
        }
        let checked = check_document(self.source, manifest, &self.engine.texts).await;
        let checked = checked.map_err(RowError::Read)?;
        checked.map_err(|runnable| RowError::Runnable(Box::new(runnable)))
    }

    /// Returns a blob of the source with its size, which a descriptor may lack.
    pub(crate) async fn source_blob(&self, descriptor: &Descriptor) -> Result<Blob, RowError> {
        let digest = Digest::try_from(descriptor.digest())?;
        if let Some(size) = descriptor.size() {
            return Ok(Blob { digest, size });
        }
        let key = (self.source.to_string(), digest.clone());
        let query = || self.source.blob(digest, None);
        let blob = self.engine.sized_blobs.get_or_try_init(key, query).await;
        blob.map_err(RowError::Read)
    }

    /// Returns a manifest of the source, `None` if the source lacks it.
    pub(crate) async fn source_manifest(
        &self,
        digest: &Digest,
    ) -> Result<Option<Manifest>, RowError> {
        let fetched = self.engine.manifests.get(self.source, digest).await;
        fetched.map_err(RowError::Read)
    }

    /// Returns the manifest of the source that a tag had in a HEAD request. If it is gone, the tag
    /// was pushed again and is read once more; its manifest may have another digest.
    pub(crate) async fn source_manifest_of_tag(
        &self,
        tag: &Tag,
        digest: &Digest,
    ) -> Result<Option<Manifest>, RowError> {
        if let Some(manifest) = self.source_manifest(digest).await? {
            return Ok(Some(manifest));
        }
        self.source.manifest(tag).await.map_err(RowError::Read)
    }

    /// Writes a manifest to the destination. If the destination lacks content that it had before,
    /// the content and then the manifest are sent again, once.
    pub(crate) async fn write_manifest(
        &self,
        reference: impl Into<ManifestReference>,
        manifest: &Manifest,
    ) -> Result<(), RowError> {
        let reference = &reference.into();
        let mut put = self.destination.put_manifest(reference, manifest).await;
        if let Err(error) = &put
            && let Some(missing) = error.missing_content()
            && self.send_missing(manifest, &missing, error).await?
        {
            put = self.destination.put_manifest(reference, manifest).await;
        }
        self.manifests_written.fetch_add(1, Ordering::Relaxed);
        put.map(drop).map_err(RowError::Write)
    }

    /// Returns true if a manifest was written for the row.
    pub(crate) fn has_written(&self) -> bool {
        self.manifests_written.load(Ordering::Relaxed) > 0
    }

    /// Counts bytes of a blob that was sent.
    pub(crate) fn add_bytes_sent(&self, bytes: u64) {
        let counts = &self.engine.blob_counts;
        counts.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.bytes_sent.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Counts the bytes that another copy has sent for this one.
    pub(crate) fn count_bytes_of(&self, other: &ImageCopy<'_>) {
        self.bytes_sent
            .fetch_add(other.bytes_sent(), Ordering::Relaxed);
    }

    pub(crate) fn bytes_sent(&self) -> u64 {
        self.bytes_sent.load(Ordering::Relaxed)
    }

    /// Adds a warning to the outcome of the row, once. It may quote the source, so the secrets that
    /// were sent are cut.
    pub(crate) fn warn(&self, warning: String) {
        let warning = cut_sent_secrets(&warning).into_owned();
        lock(&self.warnings).add(warning);
    }

    /// Notes a list that the source does not have.
    pub(crate) fn add_listing_gap(&self, gap: ListingGap) {
        lock(&self.listing_gaps).insert(gap);
    }

    pub(crate) fn take_listing_gaps(&self) -> BTreeSet<ListingGap> {
        std::mem::take(&mut *lock(&self.listing_gaps))
    }

    pub(crate) fn take_warnings(&self) -> Vec<String> {
        std::mem::take(&mut *lock(&self.warnings)).into_texts()
    }
}

/// Returns the digests of descriptors, in their order.
///
/// # Errors
///
/// [`RowError::Digest`] for a digest of an unregistered algorithm.
pub(crate) fn digests_of(descriptors: &[Descriptor]) -> Result<Vec<Digest>, RowError> {
    let digests = descriptors.iter().map(|child| child.digest().try_into());
    digests.collect::<Result<_, _>>().map_err(RowError::from)
}
