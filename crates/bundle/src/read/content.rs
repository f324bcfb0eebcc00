//! The content that a bundle's registry serves.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream;
use image_name::Digest;
use registry_client::Body;

use super::error::{MAX_MANIFEST, ReadError};
use super::store::Store;

/// Content by digest.
pub trait BundleContent: fmt::Debug + Send + Sync + 'static {
    /// Returns the size of content, `None` if the bundle does not have it.
    fn size(&self, digest: &Digest) -> Option<u64>;

    /// Returns content of at most the size of a manifest, with its digest checked. `None` if there is none.
    fn document<'a>(
        &'a self,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<Option<Bytes>, ReadError>>;

    /// Returns content from a position on, whose digest the reader checks. `None` if it is not available.
    fn body(
        self: Arc<Self>,
        digest: &Digest,
        start: u64,
    ) -> BoxFuture<'static, Result<Option<Body>, ReadError>>;
}

impl BundleContent for Store {
    fn size(&self, digest: &Digest) -> Option<u64> {
        Self::size(self, digest)
    }

    fn document<'a>(
        &'a self,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<Option<Bytes>, ReadError>> {
        // A read of a small file, which a thread for it would only delay.
        Box::pin(std::future::ready(Self::document(
            self,
            digest,
            MAX_MANIFEST,
        )))
    }

    fn body(
        self: Arc<Self>,
        digest: &Digest,
        start: u64,
    ) -> BoxFuture<'static, Result<Option<Body>, ReadError>> {
        let content = self.open(digest);
        Box::pin(async move {
            let Some(content) = content? else {
                return Ok(None);
            };
            let content = Arc::new(content);
            let chunks = stream::try_unfold(start, move |position| {
                let content = Arc::clone(&content);
                async move {
                    if position >= content.size {
                        return Ok(None);
                    }
                    let read = tokio::task::spawn_blocking(move || content.chunk(position));
                    let chunk: Bytes = read
                        .await
                        .map_err(std::io::Error::other)?
                        .map_err(std::io::Error::other)?;
                    let next = position + chunk.len() as u64;
                    Ok::<_, std::io::Error>(Some((chunk, next)))
                }
            });
            Ok(Some(Body::wrap_stream(chunks)))
        })
    }
}
