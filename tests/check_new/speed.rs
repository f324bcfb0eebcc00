//! How long a large pull request takes.

use std::fmt::Write;
use std::time::{Duration, Instant};

use embedded_registry::Registry;

use super::branch_with;
use crate::add_tag::push;

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_rows_are_checked_side_by_side() {
    let latency = Duration::from_millis(50);
    let far_away = || Registry::new().latency(latency).access_log(1000).start();
    let (source, target) = (far_away().await.unwrap(), far_away().await.unwrap());
    let (from, to) = (source.host(), target.host());
    let mut list = String::new();
    for number in 100..300 {
        push(&source, &[&format!("a{number}:1")]);
        push(&target, &[&format!("m/a{number}:0")]);
        writeln!(list, "{from}/a{number} {to}/m/a{number} 1").unwrap();
    }
    let environment = branch_with("");
    environment.write("images-list", list);
    let start = Instant::now();
    let done = environment.result_of("check-new").exits(0);
    let took = start.elapsed();
    println!("200 new rows, 200 new destinations, 50 ms latency: {took:?}");
    assert!(
        done.stdout.starts_with("200 new rows, 200 ok since "),
        "{}",
        done.stdout
    );
    assert_eq!((source.request_count(), target.request_count()), (200, 200));
    // One after the other would be 20 s. A bound for machines that are busy; the figure is above.
    assert!(took < Duration::from_secs(10), "{took:?}");
}
