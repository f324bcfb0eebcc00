//! `--verify`: the signatures of the copies at the destinations.

use futures::StreamExt;
use registry_client::{Access, Client};

use super::compared::{CompareRun, ComparedRow};
use super::verification::CopyVerification;
use crate::registries::signature_check::{
    Decided, ReportVerification, SignatureCheck, SourceImage,
};
use crate::terminal::hints::{self, Operation};

/// Maximum number of copies that are verified at the same time. The client limits the requests to each registry.
const MAX_CONCURRENT: usize = 64;

/// Verifies the copies that the destinations have.
pub(super) async fn verify_copies(run: &mut CompareRun, check: &SignatureCheck, client: &Client) {
    let rows = run.rows.iter();
    let verified: Vec<_> = futures::stream::iter(rows)
        .map(|row| verify(row, check, client))
        .buffered(MAX_CONCURRENT)
        .collect()
        .await;
    for (row, verification) in run.rows.iter_mut().zip(verified) {
        row.verification = verification;
    }
}

/// Returns the decision about the copy of a row; `None` if the destination has none.
async fn verify(
    compared: &ComparedRow,
    check: &SignatureCheck,
    client: &Client,
) -> Option<CopyVerification> {
    let digest = compared.comparison.destination_digest.as_ref()?;
    let row = &compared.row.row;
    let image = SourceImage::of(&row.source)?;
    let decided = match client.destination(&row.destination, Access::Pull) {
        Ok(copy) => check.decide_copy(&image, &copy, digest).await,
        Err(error) => Err(error),
    };
    Some(match decided {
        Ok(Decided::Unsigned) => CopyVerification::Unsigned,
        Ok(Decided::Signed(verification)) => {
            CopyVerification::Verified(ReportVerification::from(&*verification))
        }
        Ok(Decided::Rejected(rejected)) => CopyVerification::Rejected(rejected.to_string()),
        Err(error) => {
            let hint = hints::for_request(Operation::Read, &row.destination, &error);
            let hint = hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
            CopyVerification::Failed(format!("{error}{hint}"))
        }
    })
}
