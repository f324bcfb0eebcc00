//! One fault at one kind of request: a run, its report, and the destination afterwards.

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

use super::column::{COLUMNS, Column, FAULTY, Scenario, Side};
use super::fault::{Fault, Hosts, Times};
use super::registries::{PASSWORD, Registries};
use super::run::{client, row, sync, timeouts};
use super::visible_tags::{Tags, complete_tags};

/// Maximum duration of the run of a cell, with the timeouts of the tests.
pub const BOUND: Duration = Duration::from_secs(30);

/// Timeouts for cells with a silent peer. A cell is repeated with the next one if a row without a
/// fault exceeds the timeout, as it does on a busy machine.
pub const SILENCES: &[Duration] = &[
    Duration::from_millis(700),
    Duration::from_secs(2),
    Duration::from_secs(5),
];

/// The timeout for cells without a silent peer.
pub const LONG_SILENCE: Duration = Duration::from_secs(10);

/// A cell of the matrix.
#[derive(Clone, Copy, Debug)]
pub struct Cell {
    pub number: usize,
    pub column: Column,
    pub fault: Fault,
    pub times: Times,
}

/// The outcome of the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The image and its referrers are copied.
    Recovered,
    /// The image is copied; a warning names what may be missing.
    Warned,
    /// The image is copied without its referrers and without a warning.
    Without,
    /// Only this row failed, and its message names the cause.
    Failed,
    /// A request of this kind cannot have this fault.
    Impossible,
}

/// The result of a cell.
#[derive(Clone, Debug)]
pub struct CellResult {
    pub verdict: Verdict,
    pub message: String,
    pub took: Duration,
}

impl CellResult {
    fn impossible() -> Self {
        Self {
            verdict: Verdict::Impossible,
            message: String::new(),
            took: Duration::ZERO,
        }
    }
}

/// A cell with its hosts, each behind a proxy of its own.
struct RunningCell<'w> {
    registries: &'w Registries,
    cell: Cell,
    silence: Duration,
    from: FaultProxy,
    to: FaultProxy,
    tokens: FaultProxy,
    elsewhere: FaultProxy,
    directory: TempDir,
    hits: Arc<AtomicUsize>,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Column { side, name, .. } = self.column;
        write!(
            f,
            "{side:?} {name}, {}, {:?}",
            self.fault.name(),
            self.times
        )
    }
}

impl fmt::Display for CellResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} in {:?}: {}", self.verdict, self.took, self.message)
    }
}

impl Cell {
    /// Runs the cell. `direct_client` sends its requests to the registries, without a proxy.
    ///
    /// # Errors
    ///
    /// A message, if an expectation of the matrix is not met.
    pub async fn run(
        self,
        registries: &Registries,
        direct_client: &Client,
    ) -> Result<CellResult, String> {
        let silences = match self.fault.is_timeout() {
            true => SILENCES,
            false => &[LONG_SILENCE],
        };
        let mut result = Ok(CellResult::impossible());
        for silence in silences {
            let cell_run = RunningCell::new(registries, self, *silence).await;
            let Some(action) = cell_run.action() else {
                return Ok(CellResult::impossible());
            };
            result = cell_run.run_with(action, direct_client).await;
            if !result.as_ref().is_err_and(|problem| is_timeout(problem)) {
                break;
            }
        }
        result.map_err(|problem| format!("{self}: {problem}"))
    }
}

/// Returns true if a row without a fault has exceeded a timeout.
fn is_timeout(problem: &str) -> bool {
    let rows = ["the first row", "the other row"];
    rows.iter().any(|row| problem.starts_with(row)) && problem.contains(" within ")
}

impl<'w> RunningCell<'w> {
    async fn new(registries: &'w Registries, cell: Cell, silence: Duration) -> Self {
        let source = registries.source(cell.column.scenario);
        let tokens = registries.tokens.address();
        let struck = match (cell.column.kind, cell.column.side) {
            (RequestKind::Token, _) => tokens,
            (_, Side::Source) => source,
            (_, Side::Destination) => registries.target.address(),
        };
        let cell_run = Self {
            registries,
            cell,
            silence,
            from: FaultProxy::start(source).await,
            to: FaultProxy::start(registries.target.address()).await,
            tokens: FaultProxy::start(tokens).await,
            elsewhere: FaultProxy::start(struck).await,
            directory: tempfile::tempdir().unwrap(),
            hits: Arc::default(),
        };
        for proxy in [&cell_run.from, &cell_run.to] {
            let anonymous =
                Rule::new("", "/v2/").when(|parts| !parts.headers.contains_key("authorization"));
            let refused = Action::answer(401).header("www-authenticate", &cell_run.challenge());
            proxy.add(anonymous.does(refused));
        }
        for rule in cell.column.rules() {
            cell_run.to.add(rule);
        }
        cell_run
    }

    fn challenge(&self) -> String {
        let realm = format!("http://{}/token", self.tokens.host());
        format!(r#"Bearer realm="{realm}",service="registry.test""#)
    }

    fn struck(&self) -> &FaultProxy {
        match (self.cell.column.kind, self.cell.column.side) {
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
        let Cell { column, times, .. } = &self.cell;
        self.cell.fault.action(column, *times, &hosts)
    }

    fn target(&self) -> String {
        format!("cell-{}-{}", self.cell.number, self.silence.as_millis())
    }

    async fn run_with(&self, action: Action, direct_client: &Client) -> Result<CellResult, String> {
        let known = [self.from.host(), self.to.host()];
        let timeouts = timeouts(self.silence);
        let client = client(timeouts, self.directory.path(), &known);
        let row = |name| row(&known[0], name, &known[1], &self.target());
        let scenario = self.cell.column.scenario;
        if scenario == Scenario::Signed {
            let (pusher, name) = (Pusher::new(&self.registries.target.host()), self.target());
            let image = &self.registries.images.faulty;
            pusher
                .bundle(image, &format!("{name}/{FAULTY}"), Some("1"))
                .await;
        }
        if scenario != Scenario::FirstContact {
            let names = match scenario {
                Scenario::Shared => &["seed", "healthy"][..],
                _ => &["seed"],
            };
            for name in names {
                let seeded = sync(&client, &[row(name)]).await;
                ensure(seeded.rows[0].status == Status::Copied, || {
                    let error = seeded.rows[0].error.as_ref();
                    format!("the first row: {:?}", error.map(ToString::to_string))
                })?;
            }
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
        ensure(self.hits.load(Ordering::Relaxed) > 0, || {
            "no request was struck".to_owned()
        })?;
        self.check_requests()?;
        self.check_secrecy(&outcomes)?;
        let result = self.check_outcomes(&outcomes, took).await?;
        // A single fault leaves no more behind than a permanent one.
        if result.verdict != Verdict::Recovered && self.cell.times == Times::Always {
            self.check_next_run(direct_client).await?;
        }
        Ok(result)
    }

    fn strike(&self, action: Action) {
        let (column, hits) = (self.cell.column, Arc::clone(&self.hits));
        let rule = Rule::new("", "").when(move |parts| {
            let struck = column.applies_to(parts);
            hits.fetch_add(usize::from(struck), Ordering::Relaxed);
            struck
        });
        let rule = match self.cell.times {
            Times::Once => rule.first(1),
            Times::Always => rule,
        };
        self.struck().add(rule.does(action));
    }

    /// Checks that the matrix has a column for each request.
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
                    let mut columns = COLUMNS.iter();
                    columns.any(|column| (column.side, column.kind) == (side, kind))
                });
                ensure(has_column, || {
                    let (method, path, query) = (&request.method, &request.path, &request.query);
                    format!("no column for {method} {path}?{query} at the {side:?}")
                })?;
            }
        }
        Ok(())
    }

    /// Checks that credentials go only to the token server, tokens only to their registry, and
    /// neither into a report.
    fn check_secrecy(&self, outcomes: &[Outcome]) -> Result<(), String> {
        let strays = self.elsewhere.requests();
        ensure(
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
        ensure(!basic(&self.from) && !basic(&self.to), || {
            "a registry was sent the password".to_owned()
        })?;
        let report = format!("{outcomes:?}");
        // Every token of the tests is JSON in base64.
        let secret = [PASSWORD, "eyJ"]
            .into_iter()
            .find(|secret| report.contains(secret));
        ensure(secret.is_none(), || {
            format!("the report contains {secret:?}: {report}")
        })
    }

    async fn check_outcomes(
        &self,
        outcomes: &[Outcome],
        took: Duration,
    ) -> Result<CellResult, String> {
        let (faulty, healthy) = (&outcomes[0], &outcomes[1]);
        let (images, fault) = (&self.registries.images, self.cell.fault);
        let message_of = |outcome: &Outcome| outcome.error.as_ref().map(ToString::to_string);
        if !fault.affects_host(self.cell.times) {
            let tags = self.tags("healthy").await?;
            let right = tags.get("1").map(String::as_str) == Some(images.healthy.digest().as_ref());
            let expected = match self.cell.column.scenario {
                Scenario::Shared => Status::Unchanged,
                _ => Status::Copied,
            };
            let copied = healthy.status == expected && right;
            ensure(copied, || {
                format!("the other row: {:?}, {tags:?}", message_of(healthy))
            })?;
        }
        let tags = self.tags(FAULTY).await?;
        self.check_tags(&tags)?;
        let message = message_of(faulty).unwrap_or_else(|| faulty.warnings.join("; "));
        let verdict = match faulty.status {
            Status::Failed => {
                let causes = fault.causes(&self.cell.column);
                let names = causes.iter().any(|cause| message.contains(cause));
                ensure(names, || format!("the message names no cause: {message}"))?;
                Verdict::Failed
            }
            _ => {
                ensure(tags.contains_key("1"), || {
                    format!("{:?}, but no tag is there", faulty.status)
                })?;
                match (self.is_complete(&tags), faulty.warnings.is_empty()) {
                    (true, true) => Verdict::Recovered,
                    (_, false) => Verdict::Warned,
                    (false, true) => Verdict::Without,
                }
            }
        };
        Ok(CellResult {
            verdict,
            message,
            took,
        })
    }

    async fn tags(&self, name: &str) -> Result<Tags, String> {
        let repository = format!("{}/{name}", self.target());
        complete_tags(&self.registries.target.host(), &repository).await
    }

    /// Checks the digest of each tag.
    fn check_tags(&self, tags: &Tags) -> Result<(), String> {
        let images = &self.registries.images;
        let signature = images.signature_tag();
        for (tag, digest) in tags {
            let expected = match tag.as_str() {
                "1" => Some(images.faulty.digest()),
                tag if tag == signature => Some(images.signature.digest()),
                // The list of referrers, which the destination keeps under a tag.
                _ if self.cell.column.scenario == Scenario::WithReferrersApi => None,
                _ => return Err(format!("there is a tag {tag}")),
            };
            ensure(
                expected.is_none_or(|expected| expected.as_ref() == digest),
                || format!("WRONG: the tag {tag} is {digest}"),
            )?;
        }
        Ok(())
    }

    /// Returns true if the referrers of the image are copied.
    fn is_complete(&self, tags: &Tags) -> bool {
        let signature = self.registries.images.signature_tag();
        match self.cell.column.scenario {
            Scenario::WithReferrersApi => tags.len() == 2,
            _ => tags.contains_key(&signature),
        }
    }

    /// Checks that the next run, without faults, copies what this one did not.
    async fn check_next_run(&self, client: &Client) -> Result<(), String> {
        let source = self
            .registries
            .source(self.cell.column.scenario)
            .to_string();
        let target = self.registries.target.host();
        let healed = sync(client, &[row(&source, FAULTY, &target, &self.target())]).await;
        let tags = self.tags(FAULTY).await?;
        self.check_tags(&tags)?;
        let error = &healed.rows[0].error;
        ensure(error.is_none() && self.is_complete(&tags), || {
            format!("the next run: {error:?}, {tags:?}")
        })
    }
}

/// Returns the problem unless something holds.
pub fn ensure(holds: bool, problem: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(problem()) }
}
