//! The image that the destination of a row gets: the source's, or its selected platforms.

use image_name::Digest;
use registry_client::{Content, Descriptor, Manifest};

use crate::image_copy::ImageCopy;
use crate::narrow::{kept_children, offered, rebuilt};
use crate::platform::Platform;
use crate::platform_selection::{NarrowedIndex, PlatformSelection};
use crate::report::RowError;

/// The image that is written for a row.
#[derive(Debug)]
pub(crate) struct SelectedImage {
    /// The manifest that gets the tag.
    pub(crate) root: Manifest,
    /// The children that are copied, `None` for an image that is not an index.
    pub(crate) children: Option<Vec<Descriptor>>,
}

impl SelectedImage {
    /// Applies a platform selection to an image.
    ///
    /// # Errors
    ///
    /// [`RowError::NoPlatform`] if the image has none of the platforms.
    pub(crate) async fn select(
        image: &ImageCopy<'_>,
        selection: Option<&PlatformSelection>,
        root: Manifest,
    ) -> Result<Self, RowError> {
        match (selection, root.content()?) {
            (None, Content::Index { manifests, .. }) => Ok(Self {
                root,
                children: Some(manifests),
            }),
            (Some(selection), Content::Index { manifests, .. }) => {
                Self::narrow(image, root, manifests, selection)
            }
            (selection, Content::Image { config, .. }) => {
                if let Some(selection) = selection {
                    let platform = config_platform(image, config.as_deref()).await?;
                    let checked = selection.check_image(platform.as_ref());
                    checked.map_err(|available| no_platform(selection, available))?;
                    let offered: Vec<Platform> = platform.into_iter().collect();
                    image
                        .engine
                        .options
                        .platform_uses
                        .record(selection, &offered);
                }
                Ok(Self {
                    root,
                    children: None,
                })
            }
        }
    }

    fn narrow(
        image: &ImageCopy<'_>,
        root: Manifest,
        children: Vec<Descriptor>,
        selection: &PlatformSelection,
    ) -> Result<Self, RowError> {
        let kept = kept_children(&children, &selection.platforms);
        if !kept.contains(&true) {
            return Err(no_platform(selection, offered(&children)));
        }
        let platforms: Vec<Platform> = children.iter().filter_map(Platform::of).collect();
        image
            .engine
            .options
            .platform_uses
            .record(selection, &platforms);
        let root = match selection.index {
            NarrowedIndex::Rebuilt if kept.contains(&false) => {
                rebuilt(&root, &kept).unwrap_or(root)
            }
            NarrowedIndex::Rebuilt | NarrowedIndex::Sparse => root,
        };
        let mut selected = Vec::new();
        for (child, is_kept) in children.into_iter().zip(kept) {
            if is_kept {
                selected.push(child);
            } else if let Ok(digest) = Digest::try_from(child.digest()) {
                image.reads.skip(&digest);
            }
        }
        Ok(Self {
            root,
            children: Some(selected),
        })
    }
}

/// Returns the platform in the config of a source image.
pub(crate) async fn config_platform(
    image: &ImageCopy<'_>,
    config: Option<&Descriptor>,
) -> Result<Option<Platform>, RowError> {
    let Some(config) = config else {
        return Ok(None);
    };
    let digest = Digest::try_from(config.digest())?;
    let platform = Platform::read_config(image.source, &digest, config.size()).await;
    platform.map_err(RowError::Read)
}

fn no_platform(selection: &PlatformSelection, available: String) -> RowError {
    RowError::NoPlatform {
        selected: selection.to_string(),
        available,
    }
}
