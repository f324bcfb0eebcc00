//! The copy of foreign layers.

use image_name::Digest;
use registry_client::{Blob, Descriptor};

use crate::foreign_layer::is_foreign;
use crate::image_copy::ImageCopy;
use crate::image_reads::ImageReads;
use crate::report::RowError;

impl ImageCopy<'_> {
    /// Copies the foreign layers of a manifest if the options select them, one after the other: a publisher is no
    /// registry. Otherwise a warning names them.
    pub(crate) async fn copy_foreign_layers(
        &self,
        manifest: &Digest,
        layers: &[Descriptor],
    ) -> Result<(), RowError> {
        let foreign: Vec<_> = layers.iter().filter(|layer| is_foreign(layer)).collect();
        if foreign.is_empty() {
            return Ok(());
        }
        if !self.engine.options.foreign_layers {
            let (count, layers) = match foreign.len() {
                1 => (1, "foreign layer stays at its URLs"),
                count => (count, "foreign layers stay at their URLs"),
            };
            self.warn(format!("{count} {layers}: {manifest}"));
            return Ok(());
        }
        for layer in foreign {
            Box::pin(self.copy_foreign_layer(layer)).await?;
        }
        Ok(())
    }

    async fn copy_foreign_layer(&self, layer: &Descriptor) -> Result<(), RowError> {
        let blob = match layer.size() {
            Some(size) => Blob {
                digest: Digest::try_from(layer.digest())?,
                size,
            },
            None => self.source_blob(layer).await?,
        };
        // Some registries have it nevertheless.
        if self.source.has_blob(&blob).await.unwrap_or(false) {
            return self.copy_blob(&blob, None).await;
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
        Ok(())
    }
}
