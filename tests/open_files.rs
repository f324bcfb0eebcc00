//! A limit of open files that is lower than what a run has open at once.

use std::fmt::Write as _;
use std::time::Duration;

use embedded_registry::Registry;
use embedded_registry::images::{Platform, sample_image};
use testkit::program;

use crate::environment::{Finished, TestEnvironment};

/// So many HEADs a side wait for their answers together.
const ROWS: usize = 60;

#[tokio::test(flavor = "multi_thread")]
async fn a_low_soft_limit_fails_no_connection() {
    let slow = || Registry::new().latency(Duration::from_millis(100)).start();
    let (source, target) = (slow().await.unwrap(), slow().await.unwrap());
    let image = sample_image("a", 1, &[Platform::linux("amd64")], 1).unwrap();
    let (from, to) = (source.host(), target.host());
    let mut list = String::new();
    for number in 0..ROWS {
        let name = format!("image-{number}");
        image.push(&source, &name, Some("1"));
        image.push(&target, &name, Some("1"));
        writeln!(list, "{from}/{name} {to}/{name} 1").unwrap();
    }
    let environment = TestEnvironment::new();
    environment.write("images-list", list);
    let mut limited = environment.program(program("bash"));
    limited.args([
        "-c",
        r#"ulimit -Sn 32 && exec "$0" sync --no-referrers --output json"#,
    ]);
    limited.arg(env!("CARGO_BIN_EXE_mirror"));
    let document = Finished::of(limited.output().unwrap()).exits(0).json();
    // A connection that fails is tried again: it would be asked more often.
    assert_eq!(
        document["summary"]["requests"],
        2 * ROWS,
        "{}",
        document["summary"]
    );
}
