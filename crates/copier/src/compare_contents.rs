//! The contents of a tag, and those among them that the destination has.

use futures::stream::{self, StreamExt, TryStreamExt};
use image_name::{Digest, DigestError, Tag};
use registry_client::{Content, Descriptor, Error, Manifest, Repository};

use crate::arch_tag_name::arch_tag_suffixes;
use crate::child_presence::has_child;
use crate::compare_report::{ArchTagFound, CompareError, PlatformFound};
use crate::image_limits::check_children;
use crate::narrow::{kept_children, offered, rebuilt};
use crate::platform::Platform;
use crate::platform_selection::{PlatformSelection, PlatformUses};

/// Maximum number of requests in flight for one row.
const CONCURRENT_REQUESTS: usize = 16;

/// The side that a manifest is read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Source,
    Destination,
}

impl Side {
    fn error(self, error: Error) -> CompareError {
        match self {
            Self::Source => CompareError::Source(error),
            Self::Destination => CompareError::Destination(error),
        }
    }
}

/// The manifest of a tag, with the repository that it was read from.
#[derive(Debug)]
pub(crate) struct TagContents<'a> {
    side: Side,
    repository: &'a Repository,
    manifest: Manifest,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Index(Vec<Descriptor>),
    Image(Option<Box<Descriptor>>),
}

impl<'a> TagContents<'a> {
    /// Reads a manifest, `None` if the repository lacks it.
    pub(crate) async fn read(
        side: Side,
        repository: &'a Repository,
        digest: &Digest,
    ) -> Result<Option<Self>, CompareError> {
        let manifest = repository.manifest(digest).await;
        let Some(manifest) = manifest.map_err(|error| side.error(error))? else {
            return Ok(None);
        };
        let kind = match manifest.content()? {
            Content::Index { manifests, .. } => {
                check_children(digest, &manifests)?;
                Kind::Index(manifests)
            }
            Content::Image { config, .. } => Kind::Image(config),
        };
        Ok(Some(Self {
            side,
            repository,
            manifest,
            kind,
        }))
    }

    /// Returns the digest of the index with only the selected platforms, or that of the manifest
    /// if all of it is selected.
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

    /// Removes the children that belong to no selected platform.
    ///
    /// # Errors
    ///
    /// [`CompareError::NoPlatform`] where `sync` fails for the same reason.
    pub(crate) async fn narrowed(
        self,
        selection: Option<&PlatformSelection>,
        uses: &PlatformUses,
    ) -> Result<Self, CompareError> {
        let Some(selection) = selection else {
            return Ok(self);
        };
        let children = match &self.kind {
            Kind::Index(children) => children,
            Kind::Image(config) => {
                let platform = self.config_platform(config.as_deref()).await?;
                let checked = selection.check_image(platform.as_ref());
                checked.map_err(|available| CompareError::NoPlatform {
                    selected: selection.to_string(),
                    available,
                })?;
                let offered: Vec<Platform> = platform.into_iter().collect();
                uses.record(selection, &offered);
                return Ok(self);
            }
        };
        let kept = kept(children, selection)?;
        let platforms: Vec<Platform> = children.iter().filter_map(Platform::of).collect();
        uses.record(selection, &platforms);
        let children = children.iter().zip(kept).filter(|(_, kept)| *kept);
        let kind = Kind::Index(children.map(|(child, _)| child.clone()).collect());
        Ok(Self { kind, ..self })
    }

    /// Queries the destination for each manifest of the index.
    pub(crate) async fn platforms_at(
        &self,
        destination: &Repository,
    ) -> Result<Vec<PlatformFound>, CompareError> {
        let Kind::Index(children) = &self.kind else {
            return Ok(Vec::new());
        };
        let queries = children.iter().map(|child| async move {
            let digest = Digest::try_from(child.digest())?;
            let found = has_child(destination, child, &digest).await;
            Ok(PlatformFound {
                platform: Platform::of(child),
                found: found.map_err(CompareError::Destination)?,
                digest,
            })
        });
        let results = stream::iter(queries).buffered(CONCURRENT_REQUESTS);
        results.try_collect().await
    }

    /// Queries the destination for each `TAG-ARCH` tag that belongs beside `tag`.
    pub(crate) async fn arch_tags_at(
        &self,
        destination: &Repository,
        tag: &Tag,
    ) -> Result<Vec<ArchTagFound>, CompareError> {
        let (digests, platforms): (Vec<Digest>, Vec<Option<Platform>>) = match &self.kind {
            Kind::Index(children) => {
                let platforms = children.iter().map(Platform::of);
                let digests = children.iter().map(|child| child.digest().try_into());
                let digests: Result<_, DigestError> = digests.collect();
                (digests?, platforms.collect())
            }
            Kind::Image(config) => (
                vec![self.manifest.digest.clone()],
                vec![self.config_platform(config.as_deref()).await?],
            ),
        };
        let suffixes = arch_tag_suffixes(&platforms);
        // `sync` writes no tag for an invalid suffix, and warns.
        let expected = digests
            .into_iter()
            .zip(suffixes)
            .filter_map(|(digest, suffix)| Some((digest, tag.with_architecture(&suffix?)?)));
        let queries = expected.map(|(digest, tag)| async move {
            let head = destination.head_manifest(&tag).await;
            let head = head.map_err(CompareError::Destination)?;
            Ok(ArchTagFound {
                tag: tag.to_string(),
                digest,
                found: head.map(|head| head.digest),
            })
        });
        let results = stream::iter(queries).buffered(CONCURRENT_REQUESTS);
        results.try_collect().await
    }

    async fn config_platform(
        &self,
        config: Option<&Descriptor>,
    ) -> Result<Option<Platform>, CompareError> {
        let Some(config) = config else {
            return Ok(None);
        };
        let digest = Digest::try_from(config.digest())?;
        let platform = Platform::read_config(self.repository, &digest, config.size()).await;
        platform.map_err(|error| self.side.error(error))
    }
}

fn kept(children: &[Descriptor], selection: &PlatformSelection) -> Result<Vec<bool>, CompareError> {
    let kept = kept_children(children, &selection.platforms);
    if kept.contains(&true) {
        return Ok(kept);
    }
    Err(CompareError::NoPlatform {
        selected: selection.to_string(),
        available: offered(children),
    })
}
