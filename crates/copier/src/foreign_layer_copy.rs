//! The copy of foreign layers.

use image_name::Digest;
use registry_client::{Blob, Descriptor};

use crate::image_copy::ImageCopy;
use crate::image_reads::ImageReads;
use crate::options::ForeignLayers;
use crate::report::RowError;

impl ImageCopy<'_> {
    /// Copies the foreign layers of a manifest as far as the options select them, one after the other: a publisher is
    /// no registry. A warning names the manifest of layers that stay at their URLs.
    pub(crate) async fn copy_foreign_layers(
        &self,
        manifest: &Digest,
        layers: &[Descriptor],
    ) -> Result<(), RowError> {
        let mut left = 0;
        for layer in layers.iter().filter(|layer| layer.is_foreign()) {
            let is_copied = match self.engine.options.foreign_layers {
                ForeignLayers::Left => false,
                ForeignLayers::FromSource | ForeignLayers::FromPublisher => {
                    Box::pin(self.copy_foreign_layer(layer)).await?
                }
            };
            left += usize::from(!is_copied);
        }
        match left {
            0 => {}
            1 => self.warn(format!("1 foreign layer stays at its URLs: {manifest}")),
            left => self.warn(format!(
                "{left} foreign layers stay at their URLs: {manifest}"
            )),
        }
        Ok(())
    }

    /// Returns false for a layer that stays at its URLs.
    async fn copy_foreign_layer(&self, layer: &Descriptor) -> Result<bool, RowError> {
        let blob = match layer.size() {
            Some(size) => Blob {
                digest: Digest::try_from(layer.digest())?,
                size,
            },
            None => self.source_blob(layer).await?,
        };
        // Some registries have it nevertheless.
        if self.source.has_blob(&blob).await.unwrap_or(false) {
            self.copy_blob(&blob, None).await?;
            return Ok(true);
        }
        if self.engine.options.foreign_layers != ForeignLayers::FromPublisher {
            return Ok(false);
        }
        let client = &self.engine.client;
        let publisher = client.foreign_layer(&blob.digest, &layer.urls());
        let publisher = publisher.map_err(RowError::Read)?;
        let reads = ImageReads::default();
        let copy = ImageCopy::new(
            self.engine,
            &publisher,
            self.destination,
            self.registry,
            reads,
        );
        copy.copy_blob(&blob, None).await?;
        self.count_bytes_of(&copy);
        Ok(true)
    }
}
