//! The final check of every row, with plain requests and with crane.

use std::collections::BTreeMap;

use testkit::clients::Crane;

use super::testbed::{Testbed, USER};
use crate::environment::complete_tags;

/// Number of rows that crane pulls.
const CRANE_PULLS: usize = 10;

/// Asserts that every row and signature has the upstream digest at the destination and is complete.
pub(super) async fn assert_every_row_is_right(testbed: &Testbed) {
    let repositories = testbed.upstream.repositories();
    let source = complete_tags(&testbed.open_source.host(), &repositories).await;
    let destination = complete_tags(&testbed.open_destination.host(), &repositories).await;
    let expected = testbed.upstream.expected();
    let named = |all: &BTreeMap<String, String>, name: &str| all.get(name).cloned();
    let wrong: Vec<_> = expected
        .iter()
        .map(|(name, digest)| {
            (
                name,
                digest,
                named(&source, name),
                named(&destination, name),
            )
        })
        .filter(|(_, digest, from, to)| from != *digest || to != *digest || digest.is_none())
        .collect();
    assert!(
        wrong.is_empty(),
        "soak: {} of {} tags are wrong (name, pushed, upstream, mirror): {wrong:#?}",
        wrong.len(),
        expected.len()
    );
    let host = testbed.destination_host();
    let crane = Crane::new().credentials(&host, USER.0, USER.1);
    let some = expected
        .iter()
        .step_by(expected.len().div_ceil(CRANE_PULLS));
    for (name, _) in some {
        crane.validate(&format!("{host}/{name}")).await.unwrap();
    }
    println!("soak: {} tags are right and complete", expected.len());
}
