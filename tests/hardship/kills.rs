//! A run that is killed at any moment leaves nothing that looks whole and is
//! not, and one clean run afterwards ends where an undisturbed one does.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use embedded_registry::images::{Platform, sample_image};
use embedded_registry::{Children, Registry, RunningRegistry};
use fastrand::Rng;
use testkit::clients::Crane;
use testkit::processes::ReferrersRegistry;
use testkit::proxy::{FaultProxy, Rule};
use tokio::sync::mpsc;

use super::walk::whole_tags;
use super::watched::run;
use crate::environment::TestEnvironment;

const IMAGES: u64 = 12;
const KILLS: usize = 15;
/// What the destination is asked for each image that is not tagged yet: two
/// platforms, their attestations and the index.
const MANIFESTS: usize = 5;
const LATENCY: Duration = Duration::from_millis(5);
const DEADLINE: Duration = Duration::from_secs(20);

/// The images, signed and for two platforms each, three versions of four names.
async fn source() -> (RunningRegistry, Vec<String>) {
    let source = Registry::new().start().await.unwrap();
    let mut repositories = Vec::new();
    for seed in 0..IMAGES {
        let name = format!("image-{}", seed / 3);
        let platforms = [Platform::linux("amd64"), Platform::linux("arm64")];
        let image = sample_image(&name, seed, &platforms, 3).unwrap();
        image.push(&source, &name, Some(&format!("v{}", seed % 3)));
        repositories.push(name);
    }
    repositories.dedup();
    (source, repositories)
}

fn list(source: &RunningRegistry, repositories: &[String], to: &str) -> String {
    let from = source.host();
    let rows = repositories.iter().flat_map(|name| {
        let row = |tag| format!("{from}/{name} {to}/{name} v{tag}\n");
        (0..3).map(row).collect::<Vec<_>>()
    });
    rows.collect()
}

/// A killed run after the other against the registry at `target`, then a clean
/// one; returns the tags that are there in the end.
async fn survive(target: SocketAddr, seed: u64) -> BTreeMap<String, String> {
    let (source, repositories) = source().await;
    let proxy = FaultProxy::start(target).await;
    proxy.set_latency(LATENCY);
    let environment = TestEnvironment::new();
    let host = target.to_string();
    environment.write("images-list", list(&source, &repositories, &proxy.host()));
    let (mut random, mut seen) = (Rng::with_seed(seed), Vec::new());
    for number in 0..KILLS {
        let left = IMAGES as usize - seen.last().unwrap_or(&0);
        if left == 0 {
            break;
        }
        // Every third early on, the others where manifests are written.
        let reached = match number % 3 {
            0 => watch_for(&proxy, "", random.usize(1..=IMAGES as usize + left)),
            _ => watch_for(&proxy, "PUT", random.usize(1..=left * MANIFESTS)),
        };
        kill_when(start(&environment), reached).await;
        // A tag that is visible has to be whole at once.
        seen.push(whole_tags(&host, &repositories).await.len());
    }
    println!("seed {seed}: tags after each kill: {seen:?}");
    assert!(seen.iter().any(|tags| *tags > 0), "{seen:?}");
    let done = run(&environment, "sync --output json").await.exits(0);
    assert_eq!(done.json()["summary"]["failed"], 0);
    let tags = whole_tags(&host, &repositories).await;
    let crane = Crane::new();
    for (name, digest) in &tags {
        let (repository, tag) = name.split_once(':').unwrap();
        let expected = source.tagged(repository, tag).unwrap().digest;
        assert_eq!(digest, expected.as_ref(), "{name}");
        crane.validate(&format!("{host}/{name}")).await.unwrap();
    }
    let again = run(&environment, "sync --output json").await.exits(0);
    assert_eq!(again.json()["summary"]["unchanged"], IMAGES);
    tags
}

fn start(environment: &TestEnvironment) -> Child {
    let mut command = environment.command();
    command.arg("sync").stdout(Stdio::null());
    command.stderr(Stdio::null()).spawn().unwrap()
}

/// Tells when so many requests with that method (`PUT`: of manifests) have
/// arrived at the proxy.
fn watch_for(proxy: &FaultProxy, method: &'static str, number: usize) -> mpsc::Receiver<()> {
    let (sender, reached) = mpsc::channel(1);
    let count = AtomicUsize::new(0);
    let part = if method.is_empty() { "" } else { "/manifests/" };
    // Asked only of requests whose method and path fit.
    let counting = Rule::new(method, part).when(move |_| {
        if count.fetch_add(1, Ordering::Relaxed) + 1 == number {
            sender.try_send(()).ok();
        }
        false
    });
    proxy.clear_rules();
    proxy.add(counting);
    reached
}

/// Kills (SIGKILL) a run that is under way.
async fn kill_when(mut child: Child, mut reached: mpsc::Receiver<()>) {
    let reached = tokio::time::timeout(DEADLINE, reached.recv()).await;
    assert!(reached.is_ok(), "the run was over before its kill");
    child.kill().unwrap();
    let status = child.wait().unwrap();
    assert_eq!(status.code(), None, "killed, not ended: {status}");
}

/// What an undisturbed run leaves.
async fn undisturbed() -> BTreeMap<String, String> {
    let (source, repositories) = source().await;
    let target = Registry::new().start().await.unwrap();
    let environment = TestEnvironment::new();
    let host = target.host();
    environment.write("images-list", list(&source, &repositories, &host));
    run(&environment, "sync").await.exits(0);
    whole_tags(&host, &repositories).await
}

/// This one takes indexes before their children.
#[tokio::test(flavor = "multi_thread")]
async fn no_index_is_tagged_before_its_children() {
    let target = Registry::new().children(Children::Optional);
    let target = target.start().await.unwrap();
    let tags = survive(target.address(), 3).await;
    assert_eq!(tags.len() as u64, IMAGES);
    assert_eq!(tags, undisturbed().await);
}

/// And this one manifests before their blobs.
#[tokio::test(flavor = "multi_thread")]
async fn no_manifest_is_tagged_before_its_blobs() {
    let target = ReferrersRegistry::start().await;
    let tags = survive(target.address(), 2).await;
    assert_eq!(tags.len() as u64, IMAGES);
    assert_eq!(tags, undisturbed().await);
}
