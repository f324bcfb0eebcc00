//! Verification of a destination with crane.

use bytes::Bytes;
use embedded_registry::digest_of;
use futures::{StreamExt, TryStreamExt};
use testkit::clients::Crane;

use crate::corpus::TaggedImage;
use crate::error::BenchError;
use crate::workload::Workload;

/// Maximum concurrent crane processes.
const PARALLEL: usize = 4;

/// The number of images that are pulled and verified completely.
const SAMPLES: usize = 3;

/// Compares the digest of every tag, and pulls some images completely.
///
/// # Errors
///
/// If a row is missing or different.
pub(crate) async fn destination(
    work: Workload,
    host: &str,
    rows: &[&TaggedImage],
) -> Result<(), BenchError> {
    let crane = &Crane::new();
    let digests = rows.iter().map(|row| async move {
        let reference = format!("{host}/{}:{}", row.repository, row.tag);
        let wrong = |problem: &str| BenchError::Wrong(format!("{reference}: {problem}"));
        let found = crane.digest(&reference).await;
        let found = found.map_err(|failed| wrong(&format!("not found: {}", failed.stderr)))?;
        let root = row.manifests.last().map(|root| root.digest().to_string());
        match Some(&found) == root.as_ref() {
            true => Ok(()),
            false => Err(wrong(&format!("wrong digest {found}"))),
        }
    });
    let checks = futures::stream::iter(digests).buffer_unordered(PARALLEL);
    checks.try_collect::<()>().await?;
    // Samples from both ends and the middle; the new rows are at the end.
    let sample = rows
        .iter()
        .step_by((rows.len() / SAMPLES).max(1))
        .chain(rows.last());
    for row in sample {
        if work == Workload::Big {
            verify_blobs(host, row).await?;
            continue;
        }
        let reference = format!("{host}/{}:{}", row.repository, row.tag);
        let valid = crane.validate(&reference).await;
        valid.map_err(|failed| BenchError::Wrong(format!("{reference}: {}", failed.stderr)))?;
    }
    Ok(())
}

/// Reads and hashes each blob. crane cannot validate layers of random bytes, which are no archives.
async fn verify_blobs(host: &str, row: &TaggedImage) -> Result<(), BenchError> {
    for blob in &row.blobs {
        let url = format!("http://{host}/v2/{}/blobs/{}", row.repository, blob.digest);
        let request = http::Request::get(&url).body(Bytes::new());
        let request = request.map_err(|error| BenchError::Wrong(error.to_string()))?;
        let found = digest_of(testkit::fetch(request).await.body());
        if found != blob.digest {
            return Err(BenchError::Wrong(format!("{url}: wrong digest {found}")));
        }
    }
    Ok(())
}
