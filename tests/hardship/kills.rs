//! A run that is killed at any moment leaves nothing that looks whole and is
//! not, and one clean run afterwards ends where an undisturbed one does.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use embedded_registry::images::{Bundle, Format, Image, Layer, Platform, sample_image};
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
const LATENCY: Duration = Duration::from_millis(5);
const DEADLINE: Duration = Duration::from_secs(20);

/// The source, its repositories, and how many manifests each tag stands for.
struct Images {
    source: RunningRegistry,
    repositories: Vec<String>,
    manifests: BTreeMap<String, usize>,
}

/// Three versions of four names: indexes for two platforms, with attestations,
/// and every third a plain image, whose tag names blobs and no manifests.
async fn images() -> Images {
    let source = Registry::new().start().await.unwrap();
    let (mut repositories, mut manifests) = (Vec::new(), BTreeMap::new());
    for seed in 0..IMAGES {
        let (name, tag) = (format!("image-{}", seed / 3), format!("v{}", seed % 3));
        let image = match seed % 3 {
            0 => plain_image(seed),
            _ => {
                let platforms = [Platform::linux("amd64"), Platform::linux("arm64")];
                sample_image(&name, seed, &platforms, 3).unwrap()
            }
        };
        image.push(&source, &name, Some(&tag));
        manifests.insert(format!("{name}:{tag}"), image.manifests().len());
        repositories.push(name);
    }
    repositories.dedup();
    Images {
        source,
        repositories,
        manifests,
    }
}

fn plain_image(seed: u64) -> Bundle {
    let layers = (0..4).map(|number| Layer::random(100 * seed + number, 4_000).unwrap());
    let image = Image::new(Format::Oci, Platform::linux("amd64"));
    layers.fold(image, Image::layer).build()
}

fn list(images: &Images, to: &str) -> String {
    let from = images.source.host();
    let names = images
        .manifests
        .keys()
        .map(|name| name.split_once(':').unwrap());
    let row = |(name, tag)| format!("{from}/{name} {to}/{name} {tag}\n");
    names.map(row).collect()
}

/// A killed run after the other against the registry at `target`, then a clean
/// one; returns the tags that are there in the end.
async fn survive(target: SocketAddr, seed: u64) -> BTreeMap<String, String> {
    let images = images().await;
    let proxy = FaultProxy::start(target).await;
    proxy.set_latency(LATENCY);
    let environment = TestEnvironment::new();
    let host = target.to_string();
    environment.write("images-list", list(&images, &proxy.host()));
    let (mut random, mut seen) = (Rng::with_seed(seed), Vec::new());
    let mut tags = BTreeMap::new();
    for number in 0..KILLS {
        let left = images
            .manifests
            .iter()
            .filter(|(name, _)| !tags.contains_key(*name));
        let left: Vec<_> = left.map(|(_, manifests)| manifests).collect();
        if left.is_empty() {
            break;
        }
        // One kill in three at any request, the others where manifests are
        // written; never later than a run is sure to get.
        let reached = match number % 3 {
            0 => watch_for(
                &proxy,
                "",
                random.usize(1..=IMAGES as usize + 4 * left.len()),
            ),
            _ => watch_for(&proxy, "PUT", random.usize(1..=left.into_iter().sum())),
        };
        kill_when(start(&environment), reached).await;
        // A tag that is visible has to be whole at once.
        tags = whole_tags(&host, &images.repositories).await;
        seen.push(tags.len());
    }
    println!("seed {seed}: tags after each kill: {seen:?}");
    assert!(seen.iter().any(|tags| *tags > 0), "{seen:?}");
    let done = run(&environment, "sync --output json").await.exits(0);
    assert_eq!(done.json()["summary"]["failed"], 0);
    let tags = whole_tags(&host, &images.repositories).await;
    let crane = Crane::new();
    for (name, digest) in &tags {
        let (repository, tag) = name.split_once(':').unwrap();
        let expected = images.source.tagged(repository, tag).unwrap().digest;
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
    let images = images().await;
    let target = Registry::new().start().await.unwrap();
    let environment = TestEnvironment::new();
    let host = target.host();
    environment.write("images-list", list(&images, &host));
    run(&environment, "sync").await.exits(0);
    whole_tags(&host, &images.repositories).await
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
