//! A soft limit of open files below the number of connections of a run.

use std::fmt::Write as _;
use std::time::Duration;

use embedded_registry::Registry;
use testkit::program;

use crate::environment::{CommandOutput, TestEnvironment, block, small_image};

/// HEAD requests that wait for their responses at the same time, per side.
const ROWS: usize = 60;

#[tokio::test(flavor = "multi_thread")]
async fn sync_raises_a_low_soft_limit_of_open_files() {
    let slow = || Registry::new().latency(Duration::from_millis(100)).start();
    let (source, destination) = (slow().await.unwrap(), slow().await.unwrap());
    let image = small_image(1);
    let (from, to) = (source.host(), destination.host());
    let mut list = String::new();
    for number in 0..ROWS {
        let name = format!("image-{number}");
        image.push(&source, &name, Some("1"));
        image.push(&destination, &name, Some("1"));
        writeln!(list, "{from}/{name} {to}/{name} 1").unwrap();
    }
    let environment = TestEnvironment::new();
    environment.write("images-list", list);
    let mut limited = environment.command_for(program("bash"));
    limited.args([
        "-c",
        r#"ulimit -Sn 32 && exec "$0" sync --no-referrers --output json"#,
    ]);
    limited.arg(env!("CARGO_BIN_EXE_mirror"));
    let document = CommandOutput::new(block(|| limited.output()).unwrap())
        .exits(0)
        .json();
    // A failed connection is retried and would add requests.
    assert_eq!(
        document["summary"]["requests"],
        2 * ROWS,
        "{}",
        document["summary"]
    );
}
