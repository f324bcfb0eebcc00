//! Copies a manifest and everything under it: children before parents, blobs
//! before manifests.

use futures::future::{FutureExt, LocalBoxFuture, try_join_all};
use image_name::Digest;
use oci_spec::image::Descriptor;
use registry_client::{Blob, Content, Manifest};

use crate::engine::ImageCopy;
use crate::platform::Platform;
use crate::report::RowError;
use crate::subject::{Subject, check_subject};

/// What is known of the target before a manifest is copied there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AtDestination {
    /// The parent was not there, so its children are not asked for.
    Missing,
    /// Some children may be there.
    Unknown,
}

/// The relation of a manifest to the one that it is copied for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Relation<'a> {
    /// An index names it.
    Child,
    /// It is listed as a referrer, and must name the other as its subject.
    Referrer(&'a Subject),
}

/// An index in an index in an index: real ones are two deep.
const DEPTH: usize = 8;
/// Children of one index; real ones have dozens.
const CHILDREN: usize = 2_000;
/// Layers of one image; container runtimes stop at 127, artifacts may have more.
const LAYERS: usize = 10_000;

impl ImageCopy<'_> {
    /// A manifest of the source, `None` where it lacks it.
    pub(crate) async fn source_manifest(
        &self,
        digest: &Digest,
    ) -> Result<Option<Manifest>, RowError> {
        let fetched = self.engine.manifests.get(self.source, digest).await;
        fetched.map_err(RowError::Read)
    }

    /// Makes sure that everything under a manifest is at the target.
    ///
    /// `depth` is 0 for the image of a row.
    pub(crate) fn ensure_contents<'f>(
        &'f self,
        manifest: &'f Manifest,
        platform: Option<&'f Platform>,
        expect: AtDestination,
        depth: usize,
    ) -> LocalBoxFuture<'f, Result<(), RowError>> {
        async move {
            let excessive = |what: String| RowError::LimitExceeded {
                digest: manifest.digest.clone(),
                what,
            };
            if depth > DEPTH {
                return Err(excessive(format!("is nested deeper than {DEPTH} indexes")));
            }
            match manifest.content()? {
                Content::Index { manifests, .. } => {
                    self.ensure_children(&manifest.digest, &manifests, expect, depth + 1)
                        .await
                }
                Content::Image { config, layers, .. } => {
                    if layers.len() > LAYERS {
                        return Err(excessive(format!(
                            "names {} layers, more than {LAYERS}",
                            layers.len()
                        )));
                    }
                    let blobs = config
                        .as_deref()
                        .into_iter()
                        .chain(&layers)
                        .filter(|blob| !is_foreign(blob));
                    let ensured = blobs.map(|blob| async move {
                        self.ensure_blob(&Blob::try_from(blob)?, platform).await
                    });
                    try_join_all(ensured).await.map(drop)
                }
            }
        }
        .boxed_local()
    }

    /// Makes sure that the named children of an index are at the target.
    pub(crate) async fn ensure_children(
        &self,
        parent: &Digest,
        children: &[Descriptor],
        expect: AtDestination,
        depth: usize,
    ) -> Result<(), RowError> {
        if children.len() > CHILDREN {
            return Err(RowError::LimitExceeded {
                digest: parent.clone(),
                what: format!("names {} manifests, more than {CHILDREN}", children.len()),
            });
        }
        let ensured = children.iter().map(|child| async move {
            let relation = Relation::Child;
            self.ensure_child(parent, child, relation, expect, depth)
                .await
        });
        try_join_all(ensured).await.map(drop)
    }

    /// Makes sure that one manifest is at the target under its digest; several
    /// rows that need it wait for one of them.
    pub(crate) fn ensure_child<'f>(
        &'f self,
        parent: &'f Digest,
        child: &'f Descriptor,
        relation: Relation<'f>,
        expect: AtDestination,
        depth: usize,
    ) -> LocalBoxFuture<'f, Result<(), RowError>> {
        async move {
            let key = (self.target_name.clone(), child.digest().try_into()?);
            let copy = || self.copy_child(parent, child, relation, expect, depth);
            // The cells cannot wait for each other in a circle: each waits for those of content
            // that it names by digest, and no content names itself.
            self.destination.manifests.get_or_try_init(key, copy).await
        }
        .boxed_local()
    }

    async fn copy_child(
        &self,
        parent: &Digest,
        child: &Descriptor,
        relation: Relation<'_>,
        expect: AtDestination,
        depth: usize,
    ) -> Result<(), RowError> {
        let digest = &Digest::try_from(child.digest())?;
        if expect == AtDestination::Unknown {
            let there = self.target.head_manifest(digest).await;
            if there.map_err(RowError::Write)?.is_some() {
                return Ok(());
            }
        }
        let platform = child.platform().as_ref().map(Platform::from);
        let Some(manifest) = self.source_manifest(digest).await? else {
            return self.copy_blob_child(parent, child).await;
        };
        if let Relation::Referrer(subject) = relation {
            self.check_attached(subject).await?;
            check_subject(&manifest, &subject.digest)?;
        }
        self.ensure_contents(&manifest, platform.as_ref(), expect, depth)
            .await?;
        self.put(digest, &manifest).await
    }

    /// An index may name content that is no manifest; registries keep that as
    /// a blob.
    async fn copy_blob_child(&self, parent: &Digest, child: &Descriptor) -> Result<(), RowError> {
        let blob = Blob::try_from(child)?;
        let there = self.source.has_blob(&blob).await;
        if there.map_err(RowError::Read)? {
            return self.ensure_blob(&blob, None).await;
        }
        Err(RowError::Incomplete {
            parent: parent.clone(),
            child: blob.digest,
        })
    }
}

/// The digests of descriptors, in their order.
///
/// # Errors
///
/// [`RowError::Digest`] where one is of an algorithm that cannot be checked.
pub(crate) fn digests_of(descriptors: &[Descriptor]) -> Result<Vec<Digest>, RowError> {
    let digests = descriptors.iter().map(|child| child.digest().try_into());
    digests.collect::<Result<_, _>>().map_err(RowError::from)
}

/// Whether a layer is to be fetched from its publisher only.
///
/// Source: image specification, "Non-Distributable Layers"; docker's
/// `foreign.diff`. Without URLs there is nowhere else to fetch it, so it is
/// copied like any other.
fn is_foreign(descriptor: &Descriptor) -> bool {
    let media_type = descriptor.media_type().to_string();
    let restricted = media_type.contains(".foreign.") || media_type.contains(".nondistributable.");
    restricted
        && descriptor
            .urls()
            .as_ref()
            .is_some_and(|urls| !urls.is_empty())
}
