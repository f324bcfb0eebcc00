//! Requests for a large pull request.

use std::fmt::Write;
use std::time::Duration;

use testkit::proxy::FaultProxy;

use super::branch_with;
use crate::environment::{max_in_flight, push_tags, registry_with};

#[tokio::test(flavor = "multi_thread")]
async fn check_new_sends_one_request_per_side_and_row_concurrently() {
    let (source, destination) = (registry_with(&[]).await, registry_with(&[]).await);
    let proxy = FaultProxy::start(source.address()).await;
    proxy.set_latency(Duration::from_millis(50));
    let (from, to) = (proxy.host(), destination.host());
    let mut list = String::new();
    for number in 100..300 {
        push_tags(&source, &[&format!("a{number}:1")]);
        push_tags(&destination, &[&format!("m/a{number}:0")]);
        writeln!(list, "{from}/a{number} {to}/m/a{number} 1").unwrap();
    }
    let environment = branch_with("");
    environment.write("images-list", list);
    let output = environment.mirror_without_vv("check-new").exits(0);
    assert!(
        output.stdout.starts_with("200 new rows, 200 ok since "),
        "{}",
        output.stdout
    );
    assert_eq!(
        (source.request_count(), destination.request_count()),
        (200, 200)
    );
    let in_flight = max_in_flight(&proxy.requests());
    assert!(in_flight > 1, "the rows are checked one after the other");
}
