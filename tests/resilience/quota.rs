//! A source with the pull quota of Docker Hub: every response has the number of pulls left, and a pull
//! beyond the quota is refused with a 429 without `Retry-After`.
//!
//! Takes more than 10 s: two runs over 200 rows.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use embedded_registry::images::{Format, Image, Layer, Platform};
use embedded_registry::{Registry, RunningRegistry};
use http::request::Parts;
use testkit::proxy::{Action, FaultProxy, RecordedRequest, Rule};

use crate::environment::TestEnvironment;

const ROWS: usize = 200;
const QUOTA: usize = 100;
/// The longest time from the last copy to the end of the run.
const TO_THE_END: Duration = Duration::from_secs(5);

/// Two registries behind proxies, and a list of rows between them. Each image costs one pull.
struct LimitedMirror {
    environment: TestEnvironment,
    _source: RunningRegistry,
    destination: RunningRegistry,
    from: FaultProxy,
    to: FaultProxy,
}

impl LimitedMirror {
    async fn new() -> Self {
        let source = Registry::new().start().await.unwrap();
        let destination = Registry::new().start().await.unwrap();
        let from = FaultProxy::start(source.address()).await;
        let to = FaultProxy::start(destination.address()).await;
        let mut list = String::new();
        for number in 0..ROWS {
            let layer = Layer::random(number as u64, 100).unwrap();
            let image = Image::new(Format::Oci, Platform::linux("amd64")).layer(layer);
            image.build().push(&source, &name(number), Some("v1"));
            let (from, to, name) = (from.host(), to.host(), name(number));
            list += &format!("{from}/{name} {to}/{name} v1\n");
        }
        let environment = TestEnvironment::new();
        environment.write("images-list", list);
        Self {
            environment,
            _source: source,
            destination,
            from,
            to,
        }
    }

    /// Allows a number of pulls in six hours.
    fn limit(&self, quota: usize) {
        let left = |left: usize| {
            let value = format!("{left};w=21600");
            Action::SetHeader("ratelimit-remaining", value)
        };
        let head = Rule::new("HEAD", "/manifests/");
        self.from.add(head.first(1).does(left(quota)));
        for number in 1..=quota {
            let pull = Rule::new("GET", "/manifests/").nth(number);
            self.from.add(pull.does(left(quota - number)));
        }
        let pulls = AtomicUsize::new(0);
        let is_beyond = move |_: &Parts| pulls.fetch_add(1, Ordering::Relaxed) >= quota;
        let refused = Action::answer(429).header("ratelimit-remaining", "0;w=21600");
        let rule = Rule::new("GET", "/manifests/").when(is_beyond);
        self.from.add(rule.does(refused));
    }

    fn is_copied(&self, number: usize) -> bool {
        self.destination.tagged(&name(number), "v1").is_some()
    }

    /// Returns the writes of tags so far.
    fn tag_writes(&self) -> Vec<RecordedRequest> {
        let requests = self.to.requests().into_iter();
        let is_tag =
            |it: &RecordedRequest| it.method == "PUT" && it.path.ends_with("/manifests/v1");
        requests.filter(is_tag).collect()
    }
}

fn name(number: usize) -> String {
    format!("app{number:03}")
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_beyond_the_quota_are_named_and_the_run_after_the_reset_copies_only_them() {
    let mirror = LimitedMirror::new().await;
    mirror.limit(QUOTA);
    let output = mirror.environment.mirror("sync").exits(1);
    let end = Instant::now();

    let writes = mirror.tag_writes();
    assert_eq!(writes.len(), QUOTA);
    let last = writes.iter().filter_map(|write| write.answered).max();
    let waited = end - last.unwrap().0;
    assert!(waited < TO_THE_END, "{waited:?} after the last copy");
    for number in 0..ROWS {
        let row = format!("{}/{}:v1: ", mirror.from.host(), name(number));
        let is_named = output.stdout.contains(&row);
        assert_eq!(
            is_named,
            !mirror.is_copied(number),
            "{row}{}",
            output.stdout
        );
    }
    let reason = "0 pulls left per 6 h";
    let named = output.stdout.matches(reason).count();
    assert!(named >= ROWS - QUOTA, "{named}: {}", output.stdout);
    let refused = |it: &&RecordedRequest| it.status() == Some(429);
    assert_eq!(mirror.from.requests().iter().filter(refused).count(), 0);

    // After the reset.
    mirror.from.clear_rules();
    mirror.from.clear_requests();
    mirror.to.clear_requests();
    let output = mirror.environment.mirror("sync").exits(0);
    let counts = format!("{} copied, {QUOTA} unchanged", ROWS - QUOTA);
    assert!(output.stdout.contains(&counts), "{}", output.stdout);
    assert!((0..ROWS).all(|number| mirror.is_copied(number)));
    assert_eq!(mirror.tag_writes().len(), ROWS - QUOTA, "nothing twice");
    assert_eq!(mirror.from.count("GET", "/manifests/"), ROWS - QUOTA);
}
