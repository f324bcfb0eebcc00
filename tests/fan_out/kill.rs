//! A run to three registries that is killed.
//!
//! Takes more than 10 s: eight runs are killed, and each is checked.

use std::process::Stdio;
use std::time::Duration;

use embedded_registry::images::{Platform, sample_image};
use fastrand::Rng;
use testkit::processes::{Distribution, RegistryProcess, Version};
use testkit::proxy::FaultProxy;
use testkit::push::Pusher;
use tokio::process::Command;
use tokio::time::{sleep, timeout};

use crate::environment::{TestEnvironment, complete_tags};

const KILLS: usize = 8;
const IMAGES: u64 = 6;

async fn start(version: Version) -> (RegistryProcess, FaultProxy) {
    let registry = Distribution::new().version(version).start().await;
    let proxy = FaultProxy::start(registry.address()).await;
    proxy.set_latency(Duration::from_millis(4));
    (registry, proxy)
}

/// Runs `sync` and kills it (SIGKILL) once the registries have got this many requests.
async fn kill_after(environment: &TestEnvironment, proxies: &[&FaultProxy], requests: usize) {
    let sent = || {
        proxies
            .iter()
            .map(|proxy| proxy.requests().len())
            .sum::<usize>()
    };
    let until = sent() + requests;
    let mut command = Command::from(environment.mirror_command());
    command.stderr(Stdio::null()).stdout(Stdio::null());
    let mut child = command.arg("sync").kill_on_drop(true).spawn().unwrap();
    let killed = async {
        while sent() < until && child.try_wait().unwrap().is_none() {
            sleep(Duration::from_millis(1)).await;
        }
    };
    let killed = timeout(Duration::from_secs(60), killed).await;
    assert!(killed.is_ok(), "the run hangs");
    child.start_kill().ok();
    child.wait().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_runs_leave_complete_tags_and_the_next_run_copies_the_rest() {
    let source = Distribution::new().start().await;
    let (first, to_first) = start(Version::V2).await;
    let (second, to_second) = start(Version::V3).await;
    let (third, to_third) = start(Version::V3).await;
    let proxies = [&to_first, &to_second, &to_third];
    let hosts = [&first, &second, &third].map(RegistryProcess::host);
    let environment = TestEnvironment::new();
    let (mut list, mut digests, mut repositories) = (String::new(), Vec::new(), Vec::new());
    for number in 0..IMAGES {
        let platforms = [Platform::linux("amd64"), Platform::linux("arm64")];
        let image = sample_image("app", number, &platforms, 3).unwrap();
        let pusher = Pusher::new(&source.host());
        pusher
            .bundle(&image, &format!("app{number}"), Some("v1"))
            .await;
        for proxy in proxies {
            let (from, to) = (source.host(), proxy.host());
            list += &format!("{from}/app{number} {to}/mirror/app{number} v1\n");
        }
        repositories.push(format!("mirror/app{number}"));
        let tag = format!("mirror/app{number}:v1");
        digests.push((tag, image.digest().to_string()));
    }
    environment.write("images-list", list);
    let mut random = Rng::with_seed(11);
    let (mut midway, mut complete) = (0, 0);
    for _ in 0..KILLS {
        kill_after(&environment, &proxies, random.usize(60..500)).await;
        let mut tagged = 0;
        for host in &hosts {
            // Panics if anything under a tag is missing.
            let tags = complete_tags(host, &repositories).await;
            for (tag, digest) in &tags {
                let pushed = digests.iter().find(|(pushed, _)| pushed == tag);
                assert_eq!(&pushed.unwrap().1, digest, "{host}/{tag}");
            }
            tagged += tags.len();
        }
        let all = digests.len() * hosts.len();
        midway += usize::from(tagged > 0 && tagged < all);
        complete += usize::from(tagged == all);
    }
    assert!(
        midway > 0,
        "{complete} kills were too late, or all too early"
    );
    let rows = IMAGES * 3;
    let output = environment.mirror("sync --output json").exits(0);
    assert_eq!(output.json()["summary"]["failed"], 0);
    for host in &hosts {
        let tags = complete_tags(host, &repositories).await;
        assert_eq!(tags.into_iter().collect::<Vec<_>>(), digests, "{host}");
    }
    let again = environment.mirror("sync --output json").exits(0);
    assert_eq!(again.json()["summary"]["unchanged"], rows);
}
