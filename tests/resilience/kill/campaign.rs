//! Campaigns: kills until every row is copied, then again with an empty registry, while another process
//! pulls every tag that appears.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use fastrand::Rng;
use testkit::clients::{Crane, TagWatch, TagWatcher};
use testkit::proxy::FaultProxy;

use super::destination::DestinationKind;
use super::images::Images;
use super::kill_point::{KillPoint, RemainingWork, RunEnd};
use crate::environment::{TestEnvironment, complete_tags};

/// The number of kills and rows, and the seed.
#[derive(Clone, Copy, Debug)]
struct Plan {
    kills: usize,
    seed: u64,
    images: u64,
}

impl Plan {
    const SHORT: Self = Self {
        kills: 12,
        seed: 3,
        images: 12,
    };
    /// Reads `MIRROR_KILLS` and `MIRROR_SEED`. The default is small enough for every test run.
    fn from_environment() -> Self {
        let number = |name: &str| {
            let value = std::env::var(name).ok();
            value.map(|value| value.parse::<u64>().unwrap())
        };
        let seed = number("MIRROR_SEED").unwrap_or(Self::SHORT.seed);
        match number("MIRROR_KILLS") {
            None => Self {
                seed,
                ..Self::SHORT
            },
            Some(kills) => Self {
                kills: usize::try_from(kills).unwrap(),
                seed,
                images: 30,
            },
        }
    }
}

/// Counts over all campaigns.
#[derive(Debug, Default)]
struct Tally {
    /// Kills at a request, at a manifest and at a time.
    kills: [usize; 3],
    campaigns: usize,
    /// Runs that completed before their kill.
    completed: usize,
    /// Kills after which some tags existed and others did not.
    midway: usize,
    seen: TagWatch,
}

impl Tally {
    fn killed(&self) -> usize {
        self.kills.iter().sum()
    }

    fn count(&mut self, point: KillPoint) {
        let kind = match point {
            KillPoint::Request(..) => 0,
            KillPoint::Manifest(..) => 1,
            KillPoint::Time(_) => 2,
        };
        self.kills[kind] += 1;
    }
}

/// The inputs and counts of all campaigns against one kind of registry.
struct Campaigns {
    destination: DestinationKind,
    plan: Plan,
    images: Images,
    /// The tags that an undisturbed run writes, and its duration.
    undisturbed: BTreeMap<String, String>,
    full_duration: Duration,
    random: Rng,
    tally: Tally,
}

/// Runs campaigns until the planned number of kills is reached.
pub(super) async fn assert_survives_kills(destination: DestinationKind) {
    let plan = Plan::from_environment();
    let start = Instant::now();
    let images = Images::new(plan.images).await;
    let (undisturbed, full_duration) = run_undisturbed(destination, &images).await;
    let mut campaigns = Campaigns {
        destination,
        plan,
        images,
        undisturbed,
        full_duration,
        random: Rng::with_seed(plan.seed),
        tally: Tally::default(),
    };
    while campaigns.tally.killed() < plan.kills {
        campaigns.run_one().await;
    }
    let Tally {
        kills: [requests, manifests, times],
        campaigns: number,
        completed,
        midway,
        seen,
    } = campaigns.tally;
    println!(
        "{destination:?}, seed {}: {} kills (at any request: {requests}, at a manifest: {manifests}, at \
         a time: {times}) of {number} x {} rows, {midway} between the first and the last tag; \
         {completed} runs completed before their kill; {:.0} s. {seen:?}",
        plan.seed,
        requests + manifests + times,
        plan.images,
        start.elapsed().as_secs_f64(),
    );
    assert!(midway > 0, "every kill was too early or too late");
    assert!(seen.pulls > seen.tags, "no tag was pulled during the runs");
}

impl Campaigns {
    /// Kills runs until every row is copied or the kills are used up, then runs cleanly.
    async fn run_one(&mut self) {
        let registry = self.destination.start().await;
        let host = registry.address().to_string();
        let proxy = FaultProxy::start(registry.address()).await;
        let environment = TestEnvironment::new();
        environment.write("images-list", self.images.list(&proxy.host()));
        let repositories = self.images.repositories();
        let watcher = TagWatcher::start(&host, &repositories);
        let mut tags = BTreeMap::new();
        self.tally.campaigns += 1;
        while self.tally.killed() < self.plan.kills {
            let rows = self.images.rows.iter();
            let remaining: Vec<_> = rows
                .filter(|(name, _)| !tags.contains_key(*name))
                .map(|(_, manifests)| *manifests)
                .collect();
            if remaining.is_empty() {
                break;
            }
            proxy.set_latency(Duration::from_micros(self.random.u64(500..6_000)));
            let remaining = RemainingWork {
                rows: remaining.len(),
                manifests: remaining.into_iter().sum(),
                full_duration: self.full_duration,
            };
            let number = self.tally.killed() + self.tally.completed;
            let point = KillPoint::random(number, &mut self.random, &remaining);
            match point.kill(&environment, &proxy).await {
                RunEnd::Completed => self.tally.completed += 1,
                RunEnd::Killed => self.tally.count(point),
            }
            // A visible tag must be complete and keep its digest.
            tags = complete_tags(&host, &repositories).await;
            let some = !tags.is_empty() && tags.len() < self.undisturbed.len();
            self.tally.midway += usize::from(some);
        }
        proxy.clear_rules();
        self.finish(&environment, &host).await;
        match watcher.end().await {
            Ok(seen) => self.tally.seen += seen,
            Err(failure) => unreachable!("seed {}: {}", self.plan.seed, failure.stderr),
        }
    }

    /// Asserts that a clean run gives the undisturbed result, and that the next changes nothing.
    async fn finish(&self, environment: &TestEnvironment, host: &str) {
        let output = environment.mirror("sync --output json").exits(0);
        assert_eq!(output.json()["summary"]["failed"], 0);
        let tags = complete_tags(host, &self.images.repositories()).await;
        assert_eq!(tags, self.undisturbed);
        self.images.assert_all_at(host, &tags).await;
        let again = environment.mirror("sync --output json").exits(0);
        assert_eq!(again.json()["summary"]["unchanged"], self.plan.images);
    }
}

/// Returns the tags that an undisturbed run writes, and its duration.
async fn run_undisturbed(
    destination: DestinationKind,
    images: &Images,
) -> (BTreeMap<String, String>, Duration) {
    let registry = destination.start().await;
    let proxy = FaultProxy::start(registry.address()).await;
    proxy.set_latency(Duration::from_millis(3));
    let environment = TestEnvironment::new();
    environment.write("images-list", images.list(&proxy.host()));
    let start = Instant::now();
    environment.mirror("sync").exits(0);
    let took = start.elapsed();
    let host = registry.address().to_string();
    let tags = complete_tags(&host, &images.repositories()).await;
    images.assert_all_at(&host, &tags).await;
    let crane = Crane::new();
    for name in images.rows.keys() {
        crane.validate(&format!("{host}/{name}")).await.unwrap();
    }
    (tags, took)
}
