//! The walk from manifests to their referrers, level by level.

use std::collections::HashSet;

use image_name::Digest;

use crate::concurrently::{MANIFESTS, try_all};
use crate::report::RowError;
use crate::subject::Subject;

/// Maximum levels of referrers of referrers, such as the signature of a signature.
pub(super) const MAX_DEPTH: usize = 4;

/// Visits manifests, then the referrers that each visit returns, level by level. Returns the first
/// referrer that is nested too deep to be visited.
///
/// Each manifest is visited once, since referrers may form a cycle. Rows may visit the same
/// manifests in different orders, so no manifest waits for another.
///
/// # Errors
///
/// The first error of a visit.
pub(super) async fn visit_levels(
    manifests: &[Digest],
    visit: impl AsyncFn(&Subject) -> Result<Vec<Digest>, RowError>,
) -> Result<Option<Digest>, RowError> {
    let roots = manifests.iter().cloned().map(|digest| Subject {
        digest,
        refers_to: None,
    });
    let mut level: Vec<Subject> = roots.collect();
    let mut visited: HashSet<Digest> = manifests.iter().cloned().collect();
    for _ in 0..=MAX_DEPTH {
        let visit = &visit;
        let visits = level.iter().map(|subject| async move {
            let referrers = visit(subject).await?;
            Ok::<_, RowError>((subject, referrers))
        });
        let mut next_level = Vec::new();
        for (subject, referrers) in try_all(MANIFESTS, visits).await? {
            for referrer in referrers {
                if visited.insert(referrer.clone()) {
                    next_level.push(Subject {
                        digest: referrer,
                        refers_to: Some(subject.digest.clone()),
                    });
                }
            }
        }
        level = next_level;
    }
    Ok(level.into_iter().next().map(|subject| subject.digest))
}
