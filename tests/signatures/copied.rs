//! The requests that a policy costs a first copy.

use std::collections::BTreeMap;

use embedded_registry::Registry;

use super::signed_registry::{Signed, key_requirement};

/// Returns the requests to the source of a first copy of two signed images to another registry, by method and path.
async fn source_requests(arguments: &str) -> BTreeMap<String, usize> {
    let signed = Signed::new().await;
    let destination = Registry::new().start().await.unwrap();
    let (from, to) = (signed.registry.host(), destination.host());
    let bundle = signed.push("bundle", "1");
    signed.sign_bundle("bundle", &bundle, &signed.key);
    let classic = signed.push("classic", "1");
    signed.sign_classic("classic", classic.digest().as_ref(), &signed.key);
    let list = ["bundle", "classic"].map(|name| format!("{from}/{name} {to}/{name} 1\n"));
    signed.environment.write("images-list", list.concat());
    let policy = signed.policy(&[("*", key_requirement())]);
    signed.environment.write("signed.json", policy);
    signed.registry.clear_requests();
    signed
        .environment
        .mirror(&format!("sync {arguments}"))
        .exits(0);
    let mut counts = BTreeMap::new();
    for request in signed.registry.requests() {
        let key = format!("{} {}", request.method, request.path);
        *counts.entry(key).or_insert(0) += 1;
    }
    counts
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_verified_is_copied_without_reading_it_again() {
    let with = source_requests("--policy signed.json").await;
    let twice: Vec<_> = with.iter().filter(|(_, count)| **count > 1).collect();
    assert!(twice.is_empty(), "{twice:#?}");
    let without = source_requests("--no-policy").await;
    let total = |counts: &BTreeMap<String, usize>| counts.values().sum::<usize>();
    // A missing tag costs a request; one that is there costs the GET in place of a HEAD and a GET.
    assert_eq!(total(&with), total(&without), "{with:#?} {without:#?}");
}
