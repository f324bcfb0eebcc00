//! One fault at one kind of request, in a run from one source to three destinations. A fault of one
//! destination does not affect the others, and no registry gets wrong content.
//!
//! Takes more than 10 s: most of the cells wait for retries and time limits.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use copier::{Outcome, Row, Status};
use registry_client::Client;
use testkit::proxy::{Action, FaultProxy, RequestKind, Rule};
use testkit::push::Pusher;
use tokio::runtime::Runtime;
use tokio::time::timeout;

use super::cell::{BOUND, LONG_SILENCE, SILENCES, ensure};
use super::column::{COLUMNS, Column, FAULTY, Scenario, Side};
use super::fault::{FAULTS, Fault, Hosts, Times};
use super::matrix::run_concurrently;
use super::registries::Registries;
use super::run::{client, row, sync, timeouts};
use super::visible_tags::{Tags, complete_tags};

const DESTINATIONS: usize = 3;

const NOT_STRUCK: &str = "no request was struck";

/// A cell: the fault is at one of the destinations, or at the source.
#[derive(Clone, Copy, Debug)]
struct Cell {
    number: usize,
    column: Column,
    fault: Fault,
    times: Times,
    /// The destination with the fault.
    struck: usize,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Column { side, name, .. } = self.column;
        let (fault, times, struck) = (self.fault.name(), self.times, self.struck);
        write!(f, "{side:?} {struck} {name}, {fault}, {times:?}")
    }
}

/// Returns the cells: a single fault at each destination, a permanent one at one of them in turn, and
/// those at the source that concern the image.
fn cells() -> Vec<Cell> {
    let mut cells = Vec::new();
    for fault in FAULTS {
        for column in COLUMNS {
            for times in [Times::Once, Times::Always] {
                let struck = match (column.side, times) {
                    (Side::Source, _) if is_about_image(column) => 0..1,
                    (Side::Source, _) => 0..0,
                    (Side::Destination, Times::Once) => 0..DESTINATIONS,
                    (Side::Destination, Times::Always) => {
                        let struck = cells.len() % DESTINATIONS;
                        struck..struck + 1
                    }
                };
                for struck in struck {
                    let number = cells.len();
                    cells.push(Cell {
                        number,
                        column,
                        fault,
                        times,
                        struck,
                    });
                }
            }
        }
    }
    cells
}

fn is_about_image(column: Column) -> bool {
    let kinds = [
        RequestKind::ManifestHead,
        RequestKind::ManifestGet,
        RequestKind::BlobGet,
    ];
    kinds.contains(&column.kind)
}

/// A cell with its hosts, each behind a proxy of its own. The destinations are repositories of one
/// registry, which the client cannot know.
struct RunningCell<'w> {
    registries: &'w Registries,
    cell: Cell,
    silence: Duration,
    from: FaultProxy,
    to: Vec<FaultProxy>,
    tokens: FaultProxy,
    elsewhere: FaultProxy,
    directory: tempfile::TempDir,
    hits: Arc<AtomicUsize>,
}

impl Cell {
    /// Runs the cell. Returns false if a request of its kind cannot have the fault.
    async fn run(self, registries: &Registries, direct_client: &Client) -> Result<bool, String> {
        let silences = match self.fault.is_timeout() {
            true => SILENCES,
            false => &[LONG_SILENCE],
        };
        let mut result = Ok(false);
        for silence in silences {
            let running = RunningCell::new(registries, self, *silence).await;
            let Some(action) = running.action() else {
                return Ok(false);
            };
            result = running.run_with(action, direct_client).await;
            // On a busy machine, a row without a fault can exceed its time and then take another path.
            let is_late = |problem: &String| problem.contains(" within ") || problem == NOT_STRUCK;
            if !result.as_ref().is_err_and(is_late) {
                break;
            }
        }
        result.map_err(|problem| format!("{self}: {problem}"))
    }
}

impl<'w> RunningCell<'w> {
    async fn new(registries: &'w Registries, cell: Cell, silence: Duration) -> Self {
        let source = registries.source(cell.column.scenario);
        let tokens = registries.tokens.address();
        let mut to = Vec::new();
        for _ in 0..DESTINATIONS {
            to.push(FaultProxy::start(registries.target.address()).await);
        }
        let elsewhere = match (cell.column.kind, cell.column.side) {
            (RequestKind::Token, _) => tokens,
            (_, Side::Source) => source,
            (_, Side::Destination) => registries.target.address(),
        };
        let running = Self {
            registries,
            cell,
            silence,
            from: FaultProxy::start(source).await,
            to,
            tokens: FaultProxy::start(tokens).await,
            elsewhere: FaultProxy::start(elsewhere).await,
            directory: tempfile::tempdir().unwrap(),
            hits: Arc::default(),
        };
        for proxy in running.to.iter().chain([&running.from]) {
            let anonymous =
                Rule::new("", "/v2/").when(|parts| !parts.headers.contains_key("authorization"));
            let refused = Action::answer(401).header("www-authenticate", &running.challenge());
            proxy.add(anonymous.does(refused));
        }
        for rule in cell.column.rules() {
            running.to[cell.struck].add(rule);
        }
        running
    }

    fn challenge(&self) -> String {
        let realm = format!("http://{}/token", self.tokens.host());
        format!(r#"Bearer realm="{realm}",service="registry.test""#)
    }

    fn struck(&self) -> &FaultProxy {
        match (self.cell.column.kind, self.cell.column.side) {
            (RequestKind::Token, _) => &self.tokens,
            (_, Side::Source) => &self.from,
            (_, Side::Destination) => &self.to[self.cell.struck],
        }
    }

    fn action(&self) -> Option<Action> {
        let Cell {
            column,
            times,
            fault,
            ..
        } = &self.cell;
        if column.kind == RequestKind::Token && *fault == Fault::Refused {
            // The token server is that of all hosts.
            return None;
        }
        let hosts = Hosts {
            here: &self.struck().host(),
            elsewhere: &self.elsewhere.host(),
            challenge: &self.challenge(),
        };
        fault.action(column, *times, &hosts)
    }

    /// Returns the repositories of a destination.
    fn target(&self, destination: usize) -> String {
        let (number, silence) = (self.cell.number, self.silence.as_millis());
        format!("fan-{number}-{silence}-{destination}")
    }

    fn rows(&self, name: &str) -> Vec<Row> {
        let to = self.to.iter().enumerate();
        let rows = to.map(|(destination, to)| {
            row(
                &self.from.host(),
                name,
                &to.host(),
                &self.target(destination),
            )
        });
        rows.collect()
    }

    async fn run_with(&self, action: Action, direct_client: &Client) -> Result<bool, String> {
        let hosts = self.to.iter().chain([&self.from]).map(FaultProxy::host);
        let client = client(
            timeouts(self.silence),
            self.directory.path(),
            &hosts.collect::<Vec<_>>(),
        );
        self.prepare(&client).await?;
        self.strike(action);
        let run = async {
            let (mut faulty, healthy) = (self.rows(FAULTY), self.rows("healthy"));
            if self.cell.column.scenario == Scenario::FirstContact {
                let first = sync(&client, &faulty).await;
                let then = sync(&client, &healthy).await;
                return [first.rows, then.rows].concat();
            }
            faulty.extend(healthy);
            sync(&client, &faulty).await.rows
        };
        let outcomes = timeout(BOUND, Box::pin(run)).await;
        let outcomes = outcomes.map_err(|_| format!("not done after {BOUND:?}"))?;
        if self.hits.load(Ordering::Relaxed) == 0 {
            return Err(NOT_STRUCK.to_owned());
        }
        let (faulty, healthy) = outcomes.split_at(DESTINATIONS);
        let mut incomplete = Vec::new();
        for destination in 0..DESTINATIONS {
            let (faulty, healthy) = (&faulty[destination], &healthy[destination]);
            let is_struck =
                self.cell.column.side == Side::Source || destination == self.cell.struck;
            if !is_struck {
                ensure_done(destination, faulty)?;
            }
            if !is_struck || !self.cell.fault.affects_host(self.cell.times) {
                ensure_done(destination, healthy)?;
            }
            let tags = self.tags(destination).await?;
            let is_copied = tags.contains_key("1");
            ensure(is_copied || faulty.status == Status::Failed, || {
                format!("{destination}: {:?} without a tag", faulty.status)
            })?;
            ensure(is_copied || faulty.error.is_some(), || {
                format!("{destination}: failed without a cause")
            })?;
            if faulty.status == Status::Failed {
                incomplete.push(destination);
            }
        }
        if self.cell.times == Times::Always {
            self.check_next_run(&incomplete, direct_client).await?;
        }
        Ok(true)
    }

    /// Brings the registries into the state of the scenario.
    async fn prepare(&self, client: &Client) -> Result<(), String> {
        let scenario = self.cell.column.scenario;
        if scenario == Scenario::Signed {
            let pusher = Pusher::new(&self.registries.target.host());
            for destination in 0..DESTINATIONS {
                let repository = format!("{}/{FAULTY}", self.target(destination));
                let image = &self.registries.images.faulty;
                pusher.bundle(image, &repository, Some("1")).await;
            }
        }
        let names = match scenario {
            Scenario::FirstContact => &[][..],
            Scenario::Shared => &["seed", "healthy"],
            _ => &["seed"],
        };
        for name in names {
            for (destination, seeded) in
                sync(client, &self.rows(name)).await.rows.iter().enumerate()
            {
                ensure_done(destination, seeded)?;
            }
        }
        Ok(())
    }

    fn strike(&self, action: Action) {
        let (column, hits) = (self.cell.column, Arc::clone(&self.hits));
        let own = match column.side {
            Side::Source => String::new(),
            Side::Destination => self.target(self.cell.struck),
        };
        let rule = Rule::new("", "").when(move |parts| {
            let struck = column.applies_to(parts) && parts.uri.to_string().contains(&own);
            hits.fetch_add(usize::from(struck), Ordering::Relaxed);
            struck
        });
        let rule = match self.cell.times {
            Times::Once => rule.first(1),
            Times::Always => rule,
        };
        self.struck().add(rule.does(action));
    }

    /// Returns the tags of the image at a destination, all of them complete and right.
    async fn tags(&self, destination: usize) -> Result<Tags, String> {
        let repository = format!("{}/{FAULTY}", self.target(destination));
        let tags = complete_tags(&self.registries.target.host(), &repository).await?;
        let images = &self.registries.images;
        let expected = BTreeMap::from([
            ("1".to_owned(), images.faulty.digest().to_string()),
            (
                images.signature_tag(),
                images.signature.digest().to_string(),
            ),
        ]);
        for (tag, digest) in &tags {
            let is_schema = self.cell.column.scenario == Scenario::WithReferrersApi && tag != "1";
            ensure(is_schema || expected.get(tag) == Some(digest), || {
                format!("WRONG: {destination} has {tag} with {digest}")
            })?;
        }
        Ok(tags)
    }

    /// Checks that the next run, without faults, copies what this one did not.
    async fn check_next_run(&self, failed: &[usize], client: &Client) -> Result<(), String> {
        let source = self
            .registries
            .source(self.cell.column.scenario)
            .to_string();
        let target = self.registries.target.host();
        for destination in failed {
            let rows = [row(&source, FAULTY, &target, &self.target(*destination))];
            let healed = sync(client, &rows).await;
            ensure_done(*destination, &healed.rows[0])?;
            let tags = self.tags(*destination).await?;
            ensure(tags.contains_key("1"), || format!("the next run: {tags:?}"))?;
        }
        Ok(())
    }
}

fn ensure_done(destination: usize, outcome: &Outcome) -> Result<(), String> {
    let error = outcome.error.as_ref().map(ToString::to_string);
    let is_done = matches!(outcome.status, Status::Copied | Status::Unchanged);
    ensure(is_done, || format!("{destination}: {error:?}"))
}

#[test]
fn fault_of_one_destination_does_not_reach_the_others() {
    let runtime = Runtime::new().unwrap();
    let registries = runtime.block_on(Registries::new());
    let cells = cells();
    let results = run_concurrently(&cells, async |cell: &Cell, direct_client: &Client| {
        (cell.number, cell.run(&registries, direct_client).await)
    });
    let problems: Vec<_> = results.iter().filter_map(|it| it.as_ref().err()).collect();
    let run = results.iter().filter(|result| matches!(result, Ok(true)));
    println!("{} faults", run.count());
    let (wrong, all) = (problems.len(), cells.len());
    assert!(problems.is_empty(), "{wrong} of {all}:\n{problems:#?}");
}
