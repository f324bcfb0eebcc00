//! The `TAG-ARCH` tags beside an image.

use futures::future::try_join_all;
use oci_spec::image::{Descriptor, Digest};
use registry_client::{Content, Manifest};

use crate::engine::Passage;
use crate::platform::{Platform, arch_tag_suffixes};
use crate::report::RowError;

impl Passage<'_> {
    /// Writes the `TAG-ARCH` tags of an image whose contents are at the target.
    pub(crate) async fn write_arch_tags(
        &self,
        tag: &str,
        root: &Manifest,
        children: Option<&[Descriptor]>,
    ) -> Result<(), RowError> {
        let (digests, platforms): (Vec<Digest>, Vec<Option<Platform>>) = match children {
            Some(children) => {
                let platform = |child: &Descriptor| child.platform().as_ref().map(Platform::from);
                children
                    .iter()
                    .map(|child| (child.digest().clone(), platform(child)))
                    .unzip()
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
        let tags = digests.iter().zip(suffixes).filter_map(|(digest, suffix)| {
            let suffix = suffix?;
            Some(async move {
                self.write_arch_tag(&format!("{tag}-{suffix}"), digest)
                    .await
            })
        });
        try_join_all(tags).await.map(drop)
    }

    async fn write_arch_tag(&self, tag: &str, digest: &Digest) -> Result<(), RowError> {
        let there = self
            .target
            .head_manifest(tag)
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
