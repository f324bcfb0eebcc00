//! What is under a tag, and what of it the destination has.

use futures::stream::{self, StreamExt, TryStreamExt};
use image_name::{Digest, DigestError, Tag};
use oci_spec::image::Descriptor;
use registry_client::{Blob, Content, Error, Manifest, ManifestError, Repository};

use crate::arch_tag_name::{arch_tag, arch_tag_suffixes};
use crate::compare_report::{ArchTagFound, CompareError, PlatformFound};
use crate::narrow::{kept_children, offered, rebuilt};
use crate::platform::Platform;
use crate::row::PlatformSelection;

/// Requests of one row under way at once.
const REQUESTS: usize = 16;
/// Configs are read whole for their platform; real ones have a few KiB.
const CONFIG: u64 = 4 * 1024 * 1024;

/// A manifest, read.
#[derive(Debug)]
pub(crate) struct Contents {
    manifest: Manifest,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Index(Vec<Descriptor>),
    Image(Option<Box<Descriptor>>),
}

/// Why a manifest could not be read; whose it is, the caller knows.
#[derive(Debug)]
pub(crate) enum ReadError {
    Wire(Error),
    Manifest(ManifestError),
}

impl ReadError {
    pub(crate) fn of_source(self) -> CompareError {
        match self {
            Self::Wire(error) => CompareError::Source(error),
            Self::Manifest(error) => CompareError::Manifest(error),
        }
    }

    pub(crate) fn of_destination(self) -> CompareError {
        match self {
            Self::Wire(error) => CompareError::Destination(error),
            Self::Manifest(error) => CompareError::Manifest(error),
        }
    }
}

impl Contents {
    /// Reads a manifest; `None` where the repository lacks it.
    pub(crate) async fn read(
        place: &Repository,
        digest: &Digest,
    ) -> Result<Option<Self>, ReadError> {
        let manifest = place.manifest(digest).await.map_err(ReadError::Wire)?;
        let Some(manifest) = manifest else {
            return Ok(None);
        };
        let kind = match manifest.content().map_err(ReadError::Manifest)? {
            Content::Index { manifests, .. } => Kind::Index(manifests),
            Content::Image { config, .. } => Kind::Image(config),
        };
        Ok(Some(Self { manifest, kind }))
    }

    /// The digest of the index with the selected platforms only; that of the
    /// manifest itself where nothing is left out.
    pub(crate) fn rebuilt_digest(
        &self,
        selection: &PlatformSelection,
    ) -> Result<Digest, CompareError> {
        let Kind::Index(children) = &self.kind else {
            return Ok(self.manifest.digest.clone());
        };
        let kept = kept(children, selection)?;
        let narrowed = kept
            .contains(&false)
            .then(|| rebuilt(&self.manifest, &kept))
            .flatten();
        Ok(narrowed.map_or_else(|| self.manifest.digest.clone(), |narrowed| narrowed.digest))
    }

    /// Only what belongs to the selected platforms.
    pub(crate) fn narrowed(
        self,
        selection: Option<&PlatformSelection>,
    ) -> Result<Self, CompareError> {
        let (Some(selection), Kind::Index(children)) = (selection, &self.kind) else {
            return Ok(self);
        };
        let kept = kept(children, selection)?;
        let children = children.iter().zip(kept).filter(|(_, kept)| *kept);
        let kind = Kind::Index(children.map(|(child, _)| child.clone()).collect());
        Ok(Self { kind, ..self })
    }

    /// Asks a repository for each manifest under the index.
    pub(crate) async fn found_at(
        &self,
        target: &Repository,
    ) -> Result<Vec<PlatformFound>, CompareError> {
        let Kind::Index(children) = &self.kind else {
            return Ok(Vec::new());
        };
        let asked = children.iter().map(|child| async move {
            let digest = Digest::try_from(child.digest())?;
            let head = target.head_manifest(&digest).await;
            Ok(PlatformFound {
                platform: child.platform().as_ref().map(Platform::from),
                digest,
                found: head.map_err(CompareError::Destination)?.is_some(),
            })
        });
        stream::iter(asked).buffered(REQUESTS).try_collect().await
    }

    /// Asks a repository for each `TAG-ARCH` tag that belongs beside `tag`;
    /// `holder` has the manifest, and so its config, and `of_holder` says whose
    /// failure it is where that cannot be read.
    pub(crate) async fn arch_tags(
        &self,
        (holder, of_holder): (&Repository, fn(Error) -> CompareError),
        target: &Repository,
        tag: &Tag,
    ) -> Result<Vec<ArchTagFound>, CompareError> {
        let (digests, platforms): (Vec<Digest>, Vec<Option<Platform>>) = match &self.kind {
            Kind::Index(children) => {
                let platforms = children
                    .iter()
                    .map(|child| child.platform().as_ref().map(Platform::from));
                let digests = children.iter().map(|child| child.digest().try_into());
                let digests: Result<_, DigestError> = digests.collect();
                (digests?, platforms.collect())
            }
            Kind::Image(config) => {
                let platform = match config {
                    Some(config) => {
                        let read = holder
                            .small_blob(&Blob::try_from(config.as_ref())?, CONFIG)
                            .await;
                        Platform::of_config(&read.map_err(of_holder)?)
                    }
                    None => None,
                };
                (vec![self.manifest.digest.clone()], vec![platform])
            }
        };
        let suffixes = arch_tag_suffixes(&platforms);
        // A copy writes no tag for a suffix that gives none, and warns.
        let wanted = digests
            .into_iter()
            .zip(suffixes)
            .filter_map(|(digest, suffix)| Some((digest, arch_tag(tag, &suffix?)?)));
        let asked = wanted.map(|(digest, tag)| async move {
            let head = target
                .head_manifest(&tag)
                .await
                .map_err(CompareError::Destination)?;
            let found = head.map(|head| head.digest);
            Ok(ArchTagFound {
                tag: tag.to_string(),
                digest,
                found,
            })
        });
        stream::iter(asked).buffered(REQUESTS).try_collect().await
    }
}

fn kept(children: &[Descriptor], selection: &PlatformSelection) -> Result<Vec<bool>, CompareError> {
    let kept = kept_children(children, &selection.platforms);
    if kept.contains(&true) {
        return Ok(kept);
    }
    let wanted: Vec<String> = selection
        .platforms
        .iter()
        .map(ToString::to_string)
        .collect();
    Err(CompareError::NoPlatform {
        wanted: wanted.join(", "),
        found: offered(children),
    })
}
