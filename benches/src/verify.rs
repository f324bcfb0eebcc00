//! Whether everything arrived, asked of crane.

use bytes::Bytes;
use embedded_registry::digest_of;
use futures::{StreamExt, TryStreamExt};
use testkit::clients::Crane;

use crate::corpus::Tagged;
use crate::failure::Failure;
use crate::work::Work;

/// Cranes at a time.
const PARALLEL: usize = 4;

/// How many images are pulled and checked blob for blob.
const WHOLE: usize = 3;

/// Compares the digest of every tag, and pulls some images whole.
///
/// # Errors
///
/// The first row that is not there as it has to be.
pub(crate) async fn destination(work: Work, host: &str, rows: &[&Tagged]) -> Result<(), Failure> {
    let crane = &Crane::new();
    let digests = rows.iter().map(|row| async move {
        let reference = format!("{host}/{}:{}", row.repository, row.tag);
        let wrong = |what: &str| Failure::Wrong(format!("{reference} {what}"));
        let found = crane.digest(&reference).await;
        let found = found.map_err(|failed| wrong(&format!("is not there: {}", failed.stderr)))?;
        let root = row.manifests.last().map(|root| root.digest().to_string());
        match Some(&found) == root.as_ref() {
            true => Ok(()),
            false => Err(wrong(&format!("is {found}, which is wrong"))),
        }
    });
    let checks = futures::stream::iter(digests).buffer_unordered(PARALLEL);
    checks.try_collect::<()>().await?;
    // From both ends and the middle: new rows are the last.
    let sample = rows
        .iter()
        .step_by((rows.len() / WHOLE).max(1))
        .chain(rows.last());
    for row in sample {
        if work == Work::Big {
            blobs(host, row).await?;
            continue;
        }
        let reference = format!("{host}/{}:{}", row.repository, row.tag);
        let valid = crane.validate(&reference).await;
        valid.map_err(|failed| Failure::Wrong(format!("{reference}: {}", failed.stderr)))?;
    }
    Ok(())
}

/// Reads and hashes each blob: layers of random bytes are no archives, which crane looks for.
async fn blobs(host: &str, row: &Tagged) -> Result<(), Failure> {
    for blob in &row.blobs {
        let url = format!("http://{host}/v2/{}/blobs/{}", row.repository, blob.digest);
        let request = http::Request::get(&url).body(Bytes::new());
        let request = request.map_err(|error| Failure::Wrong(error.to_string()))?;
        let found = digest_of(testkit::fetch(request).await.body());
        if found != blob.digest {
            return Err(Failure::Wrong(format!("{url} is {found}")));
        }
    }
    Ok(())
}
