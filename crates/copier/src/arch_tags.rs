//! The `TAG-ARCH` tags beside an image.

use futures::future::try_join_all;
use image_name::{Digest, Tag};
use oci_spec::image::Descriptor;
use registry_client::{Content, Manifest};

use crate::arch_tag_name::{arch_tag, arch_tag_suffixes};
use crate::engine::ImageCopy;
use crate::images::digests_of;
use crate::platform::Platform;
use crate::report::RowError;

impl ImageCopy<'_> {
    /// Writes the `TAG-ARCH` tags of an image whose contents are at the target.
    pub(crate) async fn write_arch_tags(
        &self,
        tag: &Tag,
        root: &Manifest,
        children: Option<&[Descriptor]>,
    ) -> Result<(), RowError> {
        let (digests, platforms): (Vec<Digest>, Vec<Option<Platform>>) = match children {
            Some(children) => {
                let platforms = children
                    .iter()
                    .map(|child| child.platform().as_ref().map(Platform::from));
                (digests_of(children)?, platforms.collect())
            }
            None => {
                let Content::Image { config, .. } = root.content()? else {
                    return Ok(());
                };
                (
                    vec![root.digest.clone()],
                    vec![self.platform_of(config.as_deref()).await?],
                )
            }
        };
        let suffixes = arch_tag_suffixes(&platforms);
        let mut writes = Vec::new();
        for (digest, suffix) in digests.iter().zip(suffixes) {
            let Some(suffix) = suffix else {
                continue;
            };
            match arch_tag(tag, &suffix) {
                Some(tag) => writes.push(self.write_arch_tag(tag, digest)),
                None => self.warn(no_arch_tag(digest, &suffix)),
            }
        }
        try_join_all(writes).await.map(drop)
    }

    async fn write_arch_tag(&self, tag: Tag, digest: &Digest) -> Result<(), RowError> {
        let there = self
            .target
            .head_manifest(&tag)
            .await
            .map_err(RowError::Write)?;
        if there.is_some_and(|there| there.digest == *digest) {
            return Ok(());
        }
        match self.source_manifest(digest).await? {
            Some(manifest) => self.put(tag, &manifest).await,
            None => Err(RowError::Incomplete {
                parent: digest.clone(),
                child: digest.clone(),
            }),
        }
    }
}

fn no_arch_tag(digest: &Digest, suffix: &str) -> String {
    const LENGTH: usize = 100;
    let suffix: String = suffix.chars().take(LENGTH).collect();
    format!(
        "the platform of {digest} in its index gives no valid tag; it gets no TAG-ARCH tag: {suffix:?}"
    )
}
