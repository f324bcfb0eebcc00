//! Kills until all is there, then the same again with an empty registry, while another process pulls
//! whatever it sees.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use fastrand::Rng;
use testkit::clients::{Crane, Sightings, TagWatcher};
use testkit::proxy::FaultProxy;

use super::images::Images;
use super::moment::{End, Left, Moment};
use super::target::Target;
use crate::environment::TestEnvironment;
use crate::hardship::walk::whole_tags;
use crate::hardship::watched::run;

/// How much is done.
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
    /// `MIRROR_KILLS` and `MIRROR_SEED`, else what every run of the tests can afford.
    fn of_environment() -> Self {
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

/// What has happened so far.
#[derive(Debug, Default)]
struct Tally {
    kills: [usize; 3],
    campaigns: usize,
    /// Runs that ended before their kill.
    done: usize,
    /// Kills that some tags, but not all, have survived.
    midway: usize,
    seen: Sightings,
}

impl Tally {
    fn killed(&self) -> usize {
        self.kills.iter().sum()
    }

    fn count(&mut self, moment: Moment) {
        let kind = match moment {
            Moment::Request(..) => 0,
            Moment::Manifest(..) => 1,
            Moment::Time(_) => 2,
        };
        self.kills[kind] += 1;
    }
}

/// What is the same for all campaigns against a kind of registry.
struct Campaigns {
    target: Target,
    plan: Plan,
    images: Images,
    /// What an undisturbed run leaves, and how long it takes.
    undisturbed: BTreeMap<String, String>,
    whole_run: Duration,
    random: Rng,
    tally: Tally,
}

/// As many kills as are planned, in as many campaigns as that takes.
pub(super) async fn survive(target: Target) {
    let plan = Plan::of_environment();
    let begun = Instant::now();
    let images = Images::new(plan.images).await;
    let (undisturbed, whole_run) = undisturbed(target, &images).await;
    let mut campaigns = Campaigns {
        target,
        plan,
        images,
        undisturbed,
        whole_run,
        random: Rng::with_seed(plan.seed),
        tally: Tally::default(),
    };
    while campaigns.tally.killed() < plan.kills {
        campaigns.campaign().await;
    }
    let Tally {
        kills: [requests, manifests, times],
        campaigns: number,
        done,
        midway,
        seen,
    } = campaigns.tally;
    println!(
        "{target:?}, seed {}: {} kills (at any request: {requests}, at a manifest: {manifests}, at \
         a time: {times}) of {number} x {} rows, {midway} with some tags there and others not; \
         {done} runs ended before; {:.0} s. {seen:?}",
        plan.seed,
        requests + manifests + times,
        plan.images,
        begun.elapsed().as_secs_f64(),
    );
    assert!(midway > 0, "every kill was too early or too late");
    assert!(
        seen.pulls > seen.tags,
        "nothing was pulled while runs went on"
    );
}

impl Campaigns {
    /// Killed runs until all rows are there, or the kills are done; then a clean run.
    async fn campaign(&mut self) {
        let registry = self.target.start().await;
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
            let left: Vec<_> = rows
                .filter(|(name, _)| !tags.contains_key(*name))
                .map(|(_, manifests)| *manifests)
                .collect();
            if left.is_empty() {
                break;
            }
            proxy.set_latency(Duration::from_micros(self.random.u64(500..6_000)));
            let left = Left {
                rows: left.len(),
                manifests: left.into_iter().sum(),
                whole_run: self.whole_run,
            };
            let number = self.tally.killed() + self.tally.done;
            let moment = Moment::random(number, &mut self.random, &left);
            match moment.kill(&environment, &proxy).await {
                End::Done => self.tally.done += 1,
                End::Killed => self.tally.count(moment),
            }
            // A tag that is visible has to be whole at once, and is not later another.
            tags = whole_tags(&host, &repositories).await;
            let some = !tags.is_empty() && tags.len() < self.undisturbed.len();
            self.tally.midway += usize::from(some);
        }
        proxy.clear_rules();
        self.finish(&environment, &host).await;
        match watcher.end().await {
            Ok(seen) => self.tally.seen += seen,
            Err(failed) => unreachable!("seed {}: {}", self.plan.seed, failed.stderr),
        }
    }

    /// A clean run ends where an undisturbed one does, and the next has nothing to do.
    async fn finish(&self, environment: &TestEnvironment, host: &str) {
        let done = run(environment, "sync --output json").await.exits(0);
        assert_eq!(done.json()["summary"]["failed"], 0);
        let tags = whole_tags(host, &self.images.repositories()).await;
        assert_eq!(tags, self.undisturbed);
        self.images.assert_all_at(host, &tags).await;
        let again = run(environment, "sync --output json").await.exits(0);
        assert_eq!(again.json()["summary"]["unchanged"], self.plan.images);
    }
}

/// What an undisturbed run leaves, and how long it takes.
async fn undisturbed(target: Target, images: &Images) -> (BTreeMap<String, String>, Duration) {
    let registry = target.start().await;
    let proxy = FaultProxy::start(registry.address()).await;
    proxy.set_latency(Duration::from_millis(3));
    let environment = TestEnvironment::new();
    environment.write("images-list", images.list(&proxy.host()));
    let begun = Instant::now();
    run(&environment, "sync").await.exits(0);
    let took = begun.elapsed();
    let host = registry.address().to_string();
    let tags = whole_tags(&host, &images.repositories()).await;
    images.assert_all_at(&host, &tags).await;
    let crane = Crane::new();
    for name in images.rows.keys() {
        crane.validate(&format!("{host}/{name}")).await.unwrap();
    }
    (tags, took)
}
