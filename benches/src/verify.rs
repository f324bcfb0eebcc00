//! Whether everything arrived, asked of crane.

use futures::{StreamExt, TryStreamExt};
use testkit::clients::Crane;

use crate::corpus::Tagged;
use crate::failure::Failure;

/// Cranes at a time.
const PARALLEL: usize = 4;

/// How many images are pulled and checked blob for blob.
const WHOLE: usize = 3;

/// Compares the digest of every tag, and pulls some images whole.
///
/// # Errors
///
/// The first row that is not there as it has to be.
pub(crate) async fn destination(host: &str, rows: &[&Tagged]) -> Result<(), Failure> {
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
        let reference = format!("{host}/{}:{}", row.repository, row.tag);
        let valid = crane.validate(&reference).await;
        valid.map_err(|failed| Failure::Wrong(format!("{reference}: {}", failed.stderr)))?;
    }
    Ok(())
}
