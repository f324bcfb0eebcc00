//! The `TAG-ARCH` tags beside an image.

use futures::future::try_join_all;
use image_name::{Digest, Tag};
use registry_client::Content;

use crate::arch_tag_name::arch_tag_suffixes;
use crate::image_copy::{ImageCopy, digests_of};
use crate::platform::Platform;
use crate::report::RowError;
use crate::selected_image::{SelectedImage, config_platform};

/// Maximum number of characters of a suffix in a warning.
const MAX_SUFFIX: usize = 100;

/// Writes the `TAG-ARCH` tags of an image whose contents are at the destination.
pub(crate) async fn write_arch_tags(
    image: &ImageCopy<'_>,
    tag: &Tag,
    selected: &SelectedImage,
) -> Result<(), RowError> {
    let (digests, platforms): (Vec<Digest>, Vec<Option<Platform>>) = match &selected.children {
        Some(children) => {
            let platforms = children.iter().map(Platform::of);
            (digests_of(children)?, platforms.collect())
        }
        None => {
            let Content::Image { config, .. } = selected.root.content()? else {
                return Ok(());
            };
            (
                vec![selected.root.digest.clone()],
                vec![config_platform(image, config.as_deref()).await?],
            )
        }
    };
    let mut writes = Vec::new();
    for (digest, suffix) in digests.iter().zip(arch_tag_suffixes(&platforms)) {
        let Some(suffix) = suffix else {
            continue;
        };
        match tag.with_architecture(&suffix) {
            Some(tag) => writes.push(write_arch_tag(image, tag, digest)),
            None => {
                let suffix: String = suffix.chars().take(MAX_SUFFIX).collect();
                image.warn(format!(
                    "{digest} gets no TAG-ARCH tag: its platform makes the invalid suffix {suffix:?}"
                ));
            }
        }
    }
    try_join_all(writes).await.map(drop)
}

async fn write_arch_tag(image: &ImageCopy<'_>, tag: Tag, digest: &Digest) -> Result<(), RowError> {
    let existing = image.destination.head_manifest(&tag).await;
    let existing = existing.map_err(RowError::Write)?;
    if existing.is_some_and(|existing| existing.digest == *digest) {
        return Ok(());
    }
    match image.source_manifest(digest).await? {
        Some(manifest) => image.write_manifest(tag, &manifest).await,
        None => Err(RowError::Incomplete {
            parent: digest.clone(),
            child: digest.clone(),
        }),
    }
}
