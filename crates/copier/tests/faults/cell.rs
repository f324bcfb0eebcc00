//! One fault at one place: a run, and what it left behind.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use copier::{Outcome, Status};
use registry_client::Client;
use tempfile::TempDir;
use testkit::proxy::{Action, FaultProxy, RequestKind, Rule};
use testkit::push::Pusher;
use tokio::time::timeout;

use super::fault::{Fault, Hosts, Times};
use super::place::{FAULTY, PLACES, Place, Scenario, Side};
use super::walk::{Tags, whole_tags};
use super::wiring::{client, row, sync, timeouts};
use super::world::{PASSWORD, World};

/// No run of a cell takes longer, with the timeouts of the tests.
pub const BOUND: Duration = Duration::from_secs(30);

/// A cell of the matrix.
#[derive(Clone, Copy, Debug)]
pub struct Cell {
    pub number: usize,
    pub place: Place,
    pub fault: Fault,
    pub times: Times,
}

/// What became of the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It is copied, with everything.
    Recovered,
    /// The image is copied; a warning says what is not.
    Warned,
    /// The image is copied; the registry says that there is nothing else.
    Without,
    /// It failed, alone, and its message names the cause.
    Failed,
    /// A request of this kind cannot have this fault.
    Impossible,
}

/// A cell that has been run.
#[derive(Clone, Debug)]
pub struct Judged {
    pub verdict: Verdict,
    pub message: String,
    pub took: Duration,
}

impl Judged {
    fn impossible() -> Self {
        Self {
            verdict: Verdict::Impossible,
            message: String::new(),
            took: Duration::ZERO,
        }
    }
}

/// The hosts of a cell, each behind a proxy of its own.
struct Hosted<'w> {
    world: &'w World,
    cell: Cell,
    from: FaultProxy,
    to: FaultProxy,
    tokens: FaultProxy,
    elsewhere: FaultProxy,
    folder: TempDir,
    hits: Arc<AtomicUsize>,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { side, name, .. } = self.place;
        write!(
            f,
            "{side:?} {name}, {}, {:?}",
            self.fault.name(),
            self.times
        )
    }
}

impl fmt::Display for Judged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} in {:?}: {}", self.verdict, self.took, self.message)
    }
}

impl Cell {
    /// Runs it; `healer` speaks to the registries themselves, without any proxy.
    ///
    /// # Errors
    ///
    /// What must not happen.
    pub async fn run(self, world: &World, healer: &Client) -> Result<Judged, String> {
        let hosted = Hosted::new(world, self).await;
        let Some(action) = hosted.action() else {
            return Ok(Judged::impossible());
        };
        let judged = hosted.judge(action, healer).await;
        judged.map_err(|problem| format!("{self}: {problem}"))
    }
}

impl<'w> Hosted<'w> {
    async fn new(world: &'w World, cell: Cell) -> Self {
        let source = world.source(cell.place.scenario);
        let tokens = world.tokens.address();
        let struck = match (cell.place.kind, cell.place.side) {
            (RequestKind::Token, _) => tokens,
            (_, Side::Source) => source,
            (_, Side::Destination) => world.target.address(),
        };
        let hosted = Self {
            world,
            cell,
            from: FaultProxy::start(source).await,
            to: FaultProxy::start(world.target.address()).await,
            tokens: FaultProxy::start(tokens).await,
            elsewhere: FaultProxy::start(struck).await,
            folder: tempfile::tempdir().unwrap(),
            hits: Arc::default(),
        };
        for proxy in [&hosted.from, &hosted.to] {
            let stranger =
                Rule::new("", "/v2/").when(|parts| !parts.headers.contains_key("authorization"));
            let refused = Action::answer(401).header("www-authenticate", &hosted.challenge());
            proxy.add(stranger.does(refused));
        }
        for manner in cell.place.manners() {
            hosted.to.add(manner);
        }
        hosted
    }

    fn challenge(&self) -> String {
        let realm = format!("http://{}/token", self.tokens.host());
        format!(r#"Bearer realm="{realm}",service="registry.test""#)
    }

    fn struck(&self) -> &FaultProxy {
        match (self.cell.place.kind, self.cell.place.side) {
            (RequestKind::Token, _) => &self.tokens,
            (_, Side::Source) => &self.from,
            (_, Side::Destination) => &self.to,
        }
    }

    fn action(&self) -> Option<Action> {
        let hosts = Hosts {
            here: &self.struck().host(),
            elsewhere: &self.elsewhere.host(),
            challenge: &self.challenge(),
        };
        let Cell { place, times, .. } = &self.cell;
        self.cell.fault.action(place, *times, &hosts)
    }

    fn target(&self) -> String {
        format!("cell-{}", self.cell.number)
    }

    async fn judge(&self, action: Action, healer: &Client) -> Result<Judged, String> {
        let known = [self.from.host(), self.to.host()];
        let timeouts = timeouts(self.cell.fault.is_silence());
        let client = client(timeouts, self.folder.path(), &known);
        let row = |name| row(&known[0], name, &known[1], &self.target());
        let scenario = self.cell.place.scenario;
        if scenario == Scenario::Signed {
            let (pusher, name) = (Pusher::new(&self.world.target.host()), self.target());
            let image = &self.world.images.faulty;
            pusher
                .bundle(image, &format!("{name}/{FAULTY}"), Some("1"))
                .await;
        }
        if scenario != Scenario::FirstContact {
            let seeded = sync(&client, &[row("seed")]).await;
            demand(seeded.rows[0].status == Status::Copied, || {
                format!("the first row: {:?}", seeded.rows[0].error)
            })?;
        }
        self.strike(action);
        let begun = Instant::now();
        let run = async {
            if scenario == Scenario::FirstContact {
                let first = sync(&client, &[row(FAULTY)]).await;
                let then = sync(&client, &[row("healthy")]).await;
                [first.rows, then.rows].concat()
            } else {
                sync(&client, &[row(FAULTY), row("healthy")]).await.rows
            }
        };
        let outcomes = timeout(BOUND, Box::pin(run)).await;
        let outcomes = outcomes.map_err(|_| format!("not done after {BOUND:?}"))?;
        let took = begun.elapsed();
        demand(self.hits.load(Ordering::Relaxed) > 0, || {
            "no request was struck".to_owned()
        })?;
        self.check_requests()?;
        self.check_secrecy(&outcomes)?;
        let judged = self.check_outcomes(&outcomes, took).await?;
        // What strikes once leaves no more behind than what strikes always.
        if judged.verdict != Verdict::Recovered && self.cell.times == Times::Always {
            self.heal(healer).await?;
        }
        Ok(judged)
    }

    fn strike(&self, action: Action) {
        let (place, hits) = (self.cell.place, Arc::clone(&self.hits));
        let rule = Rule::new("", "").when(move |parts| {
            let struck = place.is_struck(parts);
            hits.fetch_add(usize::from(struck), Ordering::Relaxed);
            struck
        });
        let rule = match self.cell.times {
            Times::Once => rule.first(1),
            Times::Always => rule,
        };
        self.struck().add(rule.does(action));
    }

    /// Every request is one that the matrix has a column for.
    fn check_requests(&self) -> Result<(), String> {
        let sides = [
            (&self.from, Some(Side::Source)),
            (&self.to, Some(Side::Destination)),
            (&self.tokens, None),
        ];
        for (proxy, side) in sides {
            for request in proxy.requests() {
                let side = side.unwrap_or(match request.query.contains("push") {
                    true => Side::Destination,
                    false => Side::Source,
                });
                let has_column = request.kind().is_some_and(|kind| {
                    let mut places = PLACES.iter();
                    places.any(|place| (place.side, place.kind) == (side, kind))
                });
                demand(has_column, || {
                    let (method, path, query) = (&request.method, &request.path, &request.query);
                    format!("no column for {method} {path}?{query} at the {side:?}")
                })?;
            }
        }
        Ok(())
    }

    /// Credentials go to the token server, tokens to their registry, neither into a report.
    fn check_secrecy(&self, outcomes: &[Outcome]) -> Result<(), String> {
        let strays = self.elsewhere.requests();
        demand(
            strays.iter().all(|request| !request.is_authorized()),
            || "another host was sent credentials".to_owned(),
        )?;
        let basic = |proxy: &FaultProxy| {
            let requests = proxy.requests();
            let mut values = requests
                .iter()
                .filter_map(|each| each.header("authorization"));
            values.any(|value| !value.starts_with("Bearer "))
        };
        demand(!basic(&self.from) && !basic(&self.to), || {
            "a registry was sent the password".to_owned()
        })?;
        let told = format!("{outcomes:?}");
        // Every token of the tests is JSON in base64.
        let secret = [PASSWORD, "eyJ"]
            .into_iter()
            .find(|secret| told.contains(secret));
        demand(secret.is_none(), || {
            format!("the report tells {secret:?}: {told}")
        })
    }

    async fn check_outcomes(&self, outcomes: &[Outcome], took: Duration) -> Result<Judged, String> {
        let (faulty, healthy) = (&outcomes[0], &outcomes[1]);
        let (images, fault) = (&self.world.images, self.cell.fault);
        let told = |outcome: &Outcome| outcome.error.as_ref().map(ToString::to_string);
        if !fault.is_of_host(self.cell.times) {
            let tags = self.tags("healthy").await?;
            let right = tags.get("1").map(String::as_str) == Some(images.healthy.digest().as_ref());
            let copied = healthy.status == Status::Copied && right;
            demand(copied, || {
                format!("the other row: {:?}, {tags:?}", told(healthy))
            })?;
        }
        let tags = self.tags(FAULTY).await?;
        self.check_tags(&tags)?;
        let message = told(faulty).unwrap_or_else(|| faulty.warnings.join("; "));
        let verdict = match faulty.status {
            Status::Failed => {
                let causes = fault.causes(&self.cell.place);
                let names = causes.iter().any(|cause| message.contains(cause));
                demand(names, || format!("the message names no cause: {message}"))?;
                Verdict::Failed
            }
            _ => {
                demand(tags.contains_key("1"), || {
                    format!("{:?}, but no tag is there", faulty.status)
                })?;
                match (self.is_whole(&tags), faulty.warnings.is_empty()) {
                    (true, true) => Verdict::Recovered,
                    (_, false) => Verdict::Warned,
                    (false, true) => Verdict::Without,
                }
            }
        };
        Ok(Judged {
            verdict,
            message,
            took,
        })
    }

    async fn tags(&self, name: &str) -> Result<Tags, String> {
        let repository = format!("{}/{name}", self.target());
        whole_tags(&self.world.target.host(), &repository).await
    }

    /// What is visible is right.
    fn check_tags(&self, tags: &Tags) -> Result<(), String> {
        let images = &self.world.images;
        let signature = images.signature_tag();
        for (tag, digest) in tags {
            let expected = match tag.as_str() {
                "1" => Some(images.faulty.digest()),
                tag if tag == signature => Some(images.signature.digest()),
                // The list of referrers, which the destination keeps under a tag.
                _ if self.cell.place.scenario == Scenario::Referred => None,
                _ => return Err(format!("there is a tag {tag}")),
            };
            demand(
                expected.is_none_or(|expected| expected.as_ref() == digest),
                || format!("WRONG: the tag {tag} is {digest}"),
            )?;
        }
        Ok(())
    }

    /// Whether what is attached to the image has come along.
    fn is_whole(&self, tags: &Tags) -> bool {
        let signature = self.world.images.signature_tag();
        match self.cell.place.scenario {
            Scenario::Referred => tags.len() == 2,
            _ => tags.contains_key(&signature),
        }
    }

    /// The next run, without faults, sets right what this one left.
    async fn heal(&self, client: &Client) -> Result<(), String> {
        let source = self.world.source(self.cell.place.scenario).to_string();
        let target = self.world.target.host();
        let healed = sync(client, &[row(&source, FAULTY, &target, &self.target())]).await;
        let tags = self.tags(FAULTY).await?;
        self.check_tags(&tags)?;
        let error = &healed.rows[0].error;
        demand(error.is_none() && self.is_whole(&tags), || {
            format!("the next run: {error:?}, {tags:?}")
        })
    }
}

fn demand(holds: bool, problem: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(problem()) }
}
