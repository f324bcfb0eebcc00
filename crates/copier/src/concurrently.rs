//! Concurrent work for the contents of one image.

use futures::stream::{self, StreamExt, TryStreamExt};

/// Maximum number of manifests of one image, or of referrers of one manifest, that are copied
/// concurrently. Real indexes have fewer. Each takes memory while it waits for its turn.
pub(crate) const MANIFESTS: usize = 64;
/// Maximum number of blobs of one image that are copied concurrently. Real images have fewer.
pub(crate) const BLOBS: usize = 128;

/// Runs tasks concurrently and returns their results in the order of the tasks.
///
/// # Errors
///
/// The first error, which cancels all other tasks.
pub(crate) async fn try_all<T, E>(
    concurrent: usize,
    work: impl IntoIterator<Item = impl Future<Output = Result<T, E>>>,
) -> Result<Vec<T>, E> {
    let numbered = work.into_iter().enumerate();
    let numbered = numbered.map(|(number, work)| async move { Ok((number, work.await?)) });
    let done = stream::iter(numbered).buffer_unordered(concurrent);
    let mut done: Vec<(usize, T)> = done.try_collect().await?;
    done.sort_by_key(|(number, _)| *number);
    Ok(done.into_iter().map(|(_, result)| result).collect())
}
