//! The product of the limits: many rows of a source, each with the maximum content of one row.
//!
//! Takes more than 10 s: hundreds of MiB pass through each run.

use embedded_registry::Registry;

use super::flooding_source::{Flood, FloodingSource};
use crate::environment::{TestEnvironment, measure_memory, small_image};

/// The memory limit of the Kubernetes sample.
const MAX_MEMORY_KIB: u64 = 128 * 1024;

/// Runs rows of a flooding source beside an honest row, and returns the JSON document.
async fn sync(flood: Flood, repositories: usize) -> serde_json::Value {
    let source = FloodingSource::start(flood, repositories).await;
    let honest = Registry::new().start().await.unwrap();
    let target = Registry::new().start().await.unwrap();
    small_image(1).push(&honest, "honest", Some("v1"));
    let environment = TestEnvironment::new();
    let mut list = String::new();
    for number in 0..repositories {
        list += &format!(
            "{}/flood/{number} {}/mirror/{number} v1\n",
            source.host,
            target.host()
        );
    }
    list += &format!(
        "{}/honest {}/mirror/honest v1\n",
        honest.host(),
        target.host()
    );
    environment.write("images-list", list);
    let run = measure_memory(&environment, "sync --output json");
    assert!(
        run.peak_kib < MAX_MEMORY_KIB,
        "{flood:?}: {} KiB",
        run.peak_kib
    );
    assert!(target.tagged("mirror/honest", "v1").is_some(), "{flood:?}");
    println!("{flood:?}: {} KiB in {:?}", run.peak_kib, run.duration);
    serde_json::from_str(&run.output.stdout).unwrap()
}

fn failed(document: &serde_json::Value) -> u64 {
    document["summary"]["failed"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn endless_tags_referrers_and_children_stay_within_the_memory() {
    let tags = sync(Flood::Tags, 6).await;
    assert_eq!(failed(&tags), 0, "{tags:#}");
    let referrers = sync(Flood::Referrers, 16).await;
    assert_eq!(failed(&referrers), 16, "{referrers:#}");
    let error = referrers["rows"][0]["error"]["message"].as_str().unwrap();
    assert!(error.contains("the referrer sha256:0000"), "{error}");
    let children = sync(Flood::Children, 4).await;
    assert_eq!(failed(&children), 4, "{children:#}");
    let error = children["rows"][0]["error"]["message"].as_str().unwrap();
    assert!(error.contains("more than 28 MiB of memory"), "{error}");
}
