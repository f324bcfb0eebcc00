//! The image that a row's target gets: the source's, or one narrowed to some
//! platforms.

use oci_spec::image::Descriptor;
use registry_client::{Blob, Content, Manifest};

use crate::engine::ImageCopy;
use crate::narrow::{kept_children, offered, rebuilt};
use crate::platform::Platform;
use crate::report::RowError;
use crate::row::{NarrowedIndex, PlatformSelection};

/// What is written for a row.
#[derive(Debug)]
pub(crate) struct Selected {
    /// The manifest that gets the tag.
    pub(crate) root: Manifest,
    /// The children that are copied, `None` for an image that is no index.
    pub(crate) children: Option<Vec<Descriptor>>,
}

/// Configs are read whole for their platform; real ones have a few KiB.
const CONFIG: u64 = 4 * 1024 * 1024;

impl ImageCopy<'_> {
    /// Applies the run's platforms to an image.
    ///
    /// # Errors
    ///
    /// [`RowError::NoPlatform`] where none of them is there.
    pub(crate) async fn select(&self, root: Manifest) -> Result<Selected, RowError> {
        let content = root.content()?;
        match (&self.engine.options.platforms, content) {
            (None, Content::Index { manifests, .. }) => Ok(Selected {
                root,
                children: Some(manifests),
            }),
            (None, Content::Image { .. }) => Ok(Selected {
                root,
                children: None,
            }),
            (Some(selection), Content::Index { manifests, .. }) => {
                narrowed(root, manifests, selection)
            }
            (Some(selection), Content::Image { config, .. }) => {
                let offered = self.platform_of(config.as_deref()).await?;
                let wanted = selection.platforms.iter();
                match &offered {
                    Some(offered) if !wanted.clone().any(|wanted| wanted.accepts(offered)) => {
                        Err(no_platform(selection, offered.to_string()))
                    }
                    // An artifact has no platform to be refused for.
                    _ => Ok(Selected {
                        root,
                        children: None,
                    }),
                }
            }
        }
    }

    /// The platform that an image's config states.
    pub(crate) async fn platform_of(
        &self,
        config: Option<&Descriptor>,
    ) -> Result<Option<Platform>, RowError> {
        let Some(config) = config else {
            return Ok(None);
        };
        let content = self
            .source
            .small_blob(&Blob::try_from(config)?, CONFIG)
            .await;
        Ok(Platform::of_config(&content.map_err(RowError::Read)?))
    }
}

fn narrowed(
    root: Manifest,
    children: Vec<Descriptor>,
    selection: &PlatformSelection,
) -> Result<Selected, RowError> {
    let kept = kept_children(&children, &selection.platforms);
    if !kept.contains(&true) {
        return Err(no_platform(selection, offered(&children)));
    }
    let all = !kept.contains(&false);
    let root = match selection.index {
        NarrowedIndex::Rebuilt if !all => rebuilt(&root, &kept).unwrap_or(root),
        NarrowedIndex::Rebuilt | NarrowedIndex::Sparse => root,
    };
    let children = children.into_iter().zip(kept).filter(|(_, kept)| *kept);
    Ok(Selected {
        root,
        children: Some(children.map(|(child, _)| child).collect()),
    })
}

fn no_platform(selection: &PlatformSelection, found: String) -> RowError {
    let wanted: Vec<String> = selection
        .platforms
        .iter()
        .map(ToString::to_string)
        .collect();
    RowError::NoPlatform {
        wanted: wanted.join(", "),
        found,
    }
}
