//! `sync --trust-lock`: requests go to the destination and not to the sources.
//!
//! Takes more than 10 s: it locks and copies 2,000 rows first.

use std::collections::BTreeSet;

use embedded_registry::{Registry, RunningRegistry};

use crate::environment::{TestEnvironment, small_image};

const ROWS: usize = 2_000;
const TAGS: usize = 10;

async fn registry() -> RunningRegistry {
    let registry = Registry::new().access_log(10 * ROWS);
    registry.start().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn trusted_lock_costs_one_head_for_each_unchanged_row_and_no_request_to_a_source() {
    let (source, destination) = (registry().await, registry().await);
    let environment = TestEnvironment::new();
    let image = small_image(1);
    let (mut list, mut heads) = (String::new(), BTreeSet::new());
    for number in 0..ROWS {
        let (repository, tag) = (format!("team/app{}", number / TAGS), number % TAGS);
        for registry in [&source, &destination] {
            image.push(registry, &repository, Some(&format!("v{tag}")));
        }
        let (from, to) = (source.host(), destination.host());
        list += &format!("{from}/{repository} {to}/{repository} v{tag}\n");
        heads.insert(format!("/v2/{repository}/manifests/v{tag}"));
    }
    environment.write("images-list", list);
    environment.mirror("lock --no-referrers").exits(0);
    for registry in [&source, &destination] {
        registry.clear_requests();
    }

    let line = "sync --trust-lock --output json";
    let document = environment.mirror(line).exits(0).json();
    let summary = &document["summary"];
    assert_eq!(summary["unchanged"], ROWS, "{summary}");
    assert_eq!(summary["requests"], ROWS, "{summary}");
    let of_source = source.requests();
    assert!(of_source.is_empty(), "{:?}", of_source.first());
    let requests = destination.requests();
    assert!(requests.iter().all(|request| request.method == "HEAD"));
    assert_eq!(requests.len(), ROWS);
    let paths: BTreeSet<_> = requests.into_iter().map(|request| request.path).collect();
    assert_eq!(paths, heads);
}
