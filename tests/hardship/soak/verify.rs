//! Whether every row is right, asked of the registries themselves and of crane.

use std::collections::BTreeMap;

use testkit::clients::Crane;

use super::super::walk::whole_tags;
use super::stage::{Stage, USER};

/// How many rows crane pulls, with tokens of its own.
const PULLED: usize = 10;

/// Every row, and every signature, is at the destination what it is upstream,
/// and everything under it is there.
pub(super) async fn every_row(stage: &Stage) {
    let repositories = stage.upstream.repositories();
    let source = whole_tags(&stage.open_source.host(), &repositories).await;
    let target = whole_tags(&stage.open_target.host(), &repositories).await;
    let expected = stage.upstream.expected();
    let named = |all: &BTreeMap<String, String>, name: &str| all.get(name).cloned();
    let wrong: Vec<_> = expected
        .iter()
        .map(|(name, digest)| (name, digest, named(&source, name), named(&target, name)))
        .filter(|(_, digest, from, to)| from != *digest || to != *digest || digest.is_none())
        .collect();
    assert!(
        wrong.is_empty(),
        "soak: {} of {} tags are wrong (name, pushed, upstream, mirror): {wrong:#?}",
        wrong.len(),
        expected.len()
    );
    let host = stage.target_host();
    let crane = Crane::new().credentials(&host, USER.0, USER.1);
    let some = expected.iter().step_by(expected.len().div_ceil(PULLED));
    for (name, _) in some {
        crane.validate(&format!("{host}/{name}")).await.unwrap();
    }
    println!(
        "soak: {} tags are right, with everything under them",
        expected.len()
    );
}
