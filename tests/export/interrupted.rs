//! Exports that are killed: the same command again gives the same bytes.
//!
//! Takes more than 10 s: dozens of runs are killed.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use embedded_registry::images::{Platform, sample_image};
use fastrand::Rng;
use testkit::processes::Distribution;
use testkit::proxy::FaultProxy;
use testkit::push::Pusher;
use tokio::process::Command;
use tokio::time::{sleep, timeout};

use super::source::{DESTINATION, files_below};
use crate::environment::TestEnvironment;

/// The number of runs that are killed for each form; the variable `EXPORT_KILLS` replaces it.
const KILLS: usize = 6;
const IMAGES: u64 = 5;

/// Starts an export and kills it (SIGKILL) once the registry has got this many requests.
async fn kill_after(
    environment: &TestEnvironment,
    proxy: &FaultProxy,
    (line, requests): (&str, usize),
) {
    let until = proxy.requests().len() + requests;
    let mut command = Command::from(environment.mirror_command());
    command.stderr(Stdio::null()).stdout(Stdio::null());
    let command = command.args(line.split(' ')).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let killed = async {
        while proxy.requests().len() < until && child.try_wait().unwrap().is_none() {
            sleep(Duration::from_millis(1)).await;
        }
    };
    assert!(
        timeout(Duration::from_secs(60), killed).await.is_ok(),
        "the run hangs"
    );
    child.start_kill().ok();
    child.wait().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_export_continues_and_has_the_same_bytes() {
    let kills = std::env::var("EXPORT_KILLS").ok();
    let kills = kills.and_then(|kills| kills.parse().ok()).unwrap_or(KILLS);
    let registry = Distribution::new().start().await;
    let proxy = FaultProxy::start(registry.address()).await;
    proxy.set_latency(Duration::from_millis(2));
    let pusher = Pusher::new(&registry.host());
    let environment = TestEnvironment::new();
    let mut list = String::new();
    for number in 0..IMAGES {
        let image = sample_image("a", number, &[Platform::linux("amd64")], 3).unwrap();
        pusher
            .bundle(&image, &format!("a/{number}"), Some("1"))
            .await;
        list += &format!("{}/a/{number} {DESTINATION}/{number} 1\n", proxy.host());
    }
    environment.write("images-list", list);
    let mut random = Rng::with_seed(16);
    for (line, output) in [
        ("export out.tar", "out.tar"),
        ("export out.tar.zst", "out.tar.zst"),
        ("export vol.tar --volume-size 4096", "vol.tar.sha256"),
        ("export directory", "directory"),
    ] {
        environment.mirror(line).exits(0);
        let content = || match environment.path(output).is_dir() {
            true => files_below(&environment.path(output)),
            false => [(
                output.to_owned(),
                fs::read(environment.path(output)).unwrap(),
            )]
            .into(),
        };
        let whole = content();
        for _ in 0..kills {
            remove_output(&environment, output);
            let before = proxy.requests().len();
            for _ in 0..random.usize(1..4) {
                let requests = random.usize(1..40);
                kill_after(&environment, &proxy, (line, requests)).await;
            }
            assert!(proxy.requests().len() > before);
            environment.mirror(line).exits(0);
            assert!(content() == whole, "{line}: the bytes differ after a kill");
            let names = environment.file_names();
            assert!(
                !names.iter().any(|name| name.contains(".partial")),
                "{names:?}"
            );
        }
    }
}

fn remove_output(environment: &TestEnvironment, output: &str) {
    let prefix = output.strip_suffix(".sha256").unwrap_or(output);
    for name in environment.file_names() {
        if name.starts_with(prefix) && name != "images-list" {
            let path = environment.path(&name);
            match path.is_dir() {
                true => fs::remove_dir_all(path).unwrap(),
                false => fs::remove_file(path).unwrap(),
            }
        }
    }
}
