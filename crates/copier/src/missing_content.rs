//! Content that a destination lacks, although it has reported it as present, mounted or stored.

use futures::future::{FutureExt, LocalBoxFuture};
use image_name::Digest;
use registry_client::{Blob, Content, Descriptor, Error, Manifest};

use crate::concurrently::{BLOBS, MANIFESTS, try_all};
use crate::destination::ContentOrigin;
use crate::image_copy::{ImageCopy, Presence};
use crate::report::{ForeignLayerRejected, RowError};

impl ImageCopy<'_> {
    /// Sends the content again that the destination misses in a manifest: what it names in
    /// `missing`, or without names all that was not sent by this run. Returns false if there is
    /// none, as for the children that a sparse index leaves out.
    ///
    /// # Errors
    ///
    /// [`RowError::ForeignLayer`] if the destination names a foreign layer; any error of a copy.
    pub(crate) fn send_missing<'f>(
        &'f self,
        manifest: &'f Manifest,
        missing: &'f [Digest],
        error: &'f Error,
    ) -> LocalBoxFuture<'f, Result<bool, RowError>> {
        async move {
            let is_missing = |origin: Option<ContentOrigin>, digest: &Digest| match origin {
                Some(origin) if missing.is_empty() => origin != ContentOrigin::Sent,
                Some(_) => missing.contains(digest),
                None => false,
            };
            match manifest.content()? {
                Content::Index { manifests, .. } => {
                    let mut children = Vec::new();
                    for child in &manifests {
                        let digest = Digest::try_from(child.digest())?;
                        let key = (self.destination.path().clone(), digest);
                        if is_missing(self.registry.manifests.get(&key), &key.1) {
                            children.push(child);
                        }
                    }
                    let copies = children.iter().map(|child| self.send_child_again(child));
                    try_all(MANIFESTS, copies).await?;
                    Ok(!children.is_empty())
                }
                Content::Image { .. } if !is_about_blobs(error) => Ok(false),
                Content::Image { config, layers, .. } => {
                    check_foreign_layers(&layers, missing, error)?;
                    let mut blobs = Vec::new();
                    for descriptor in config.as_deref().into_iter().chain(&layers) {
                        let digest = Digest::try_from(descriptor.digest())?;
                        if is_missing(self.blob_origin(&digest), &digest) {
                            blobs.push(self.source_blob(descriptor).await?);
                        }
                    }
                    let copies = blobs.iter().map(|blob| self.send_again_once(blob));
                    try_all(BLOBS, copies).await?;
                    Ok(!blobs.is_empty())
                }
            }
        }
        .boxed_local()
    }

    /// Sends a blob again, once for all rows that the destination misses it in.
    async fn send_again_once(&self, blob: &Blob) -> Result<(), RowError> {
        let key = (self.destination.path().clone(), blob.digest.clone());
        let send = || self.send_blob_again(blob);
        self.registry.sent_again.get_or_try_init(key, send).await
    }

    async fn send_child_again(&self, child: &Descriptor) -> Result<(), RowError> {
        let digest = &Digest::try_from(child.digest())?;
        let key = (self.destination.path().clone(), digest.clone());
        let send = || async {
            let Some(manifest) = self.source_manifest(digest).await? else {
                return self.send_blob_again(&self.source_blob(child).await?).await;
            };
            self.copy_contents(&manifest, None, Presence::Unknown, 1)
                .await?;
            self.write_manifest(digest, &manifest).await
        };
        self.registry.sent_again.get_or_try_init(key, send).await
    }
}

fn is_about_blobs(error: &Error) -> bool {
    let codes = ["MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN"];
    matches!(error, Error::Status(status) if codes.iter().any(|code| status.has_code(code)))
}

/// Checks that the destination misses no layer that stays at its URLs.
fn check_foreign_layers(
    layers: &[Descriptor],
    missing: &[Digest],
    error: &Error,
) -> Result<(), RowError> {
    for layer in layers.iter().filter(|layer| layer.is_foreign()) {
        let digest = Digest::try_from(layer.digest())?;
        if missing.contains(&digest) {
            return Err(RowError::ForeignLayer(Box::new(ForeignLayerRejected {
                layer: digest,
                error: error.clone(),
            })));
        }
    }
    Ok(())
}
