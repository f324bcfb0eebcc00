//! One run: the servers, the engine, and the judgment.

use std::fmt::Write;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use copier::{Progress, Report, RunContext, Summary};
use futures::FutureExt;
use registry_client::credentials::{CredentialFile, CredentialSources, CredentialStore, Helpers};
use registry_client::{Client, MinimumRate, RetryPolicy, Timeouts};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::hosts::{Hosts, Role};
use super::judge::{Finding, judge};
use super::record::{Recorder, Request};
use super::script::Script;
use super::server::serve;

/// Real time by which the times of these runs are divided.
const SCALE: u32 = 100;
/// Maximum time of a run with a row timeout, and of one without. Rows with one destination run one after the
/// other, and each may wait for the pauses of both hosts.
const BUDGET: Duration = Duration::from_secs(30);
const BUDGET_WITHOUT_ROW_TIMEOUT: Duration = Duration::from_secs(90);
/// The time after which a run that blocks its runtime is abandoned.
const WATCHDOG: Duration = Duration::from_secs(150);

/// The result of a run.
#[derive(Debug)]
pub struct RunResult {
    pub findings: Vec<Finding>,
    pub requests: usize,
    pub summary: Summary,
    pub took: Duration,
    /// The script and the outcomes, to read.
    pub description: String,
}

/// Starts the run of an input on a thread of its own.
pub fn start(input: Vec<u8>) -> PendingRun {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        sender.send(runtime.block_on(run(&input))).ok();
    });
    PendingRun(receiver)
}

/// A run on its thread.
pub struct PendingRun(mpsc::Receiver<RunResult>);

impl PendingRun {
    pub fn wait(self) -> RunResult {
        let result = self.0.recv_timeout(WATCHDOG);
        result.unwrap_or_else(|error| RunResult {
            findings: vec![Finding::new("a run without an end", error.to_string())],
            requests: 0,
            summary: Summary::default(),
            took: WATCHDOG,
            description: String::new(),
        })
    }
}

async fn run(input: &[u8]) -> RunResult {
    let mut listeners = Vec::new();
    for _ in Role::ALL {
        listeners.push(TcpListener::bind("127.0.0.1:0").await.unwrap());
    }
    let name = |number: usize| listeners[number].local_addr().unwrap().to_string();
    let hosts = Hosts([name(0), name(1), name(2), name(3)]);
    let mut script = Script::generate(input, &hosts);
    let mut description = script.describe();
    let recorder = Arc::new(Recorder::new(hosts.clone()));
    let mut servers = JoinSet::new();
    for (listener, server) in listeners
        .into_iter()
        .zip(std::mem::take(&mut script.servers))
    {
        servers.spawn(serve(listener, server, Arc::clone(&recorder)));
    }
    let started = Instant::now();
    let outcome = sync(&script, &hosts).await;
    let took = started.elapsed();
    // The servers end before the record is judged.
    servers.shutdown().await;
    let record = recorder.lock();
    let mut findings = judge(&script, &record, outcome.as_ref().ok());
    for row in outcome.iter().flat_map(|report| &report.rows) {
        let error = row.error.as_ref().map(ToString::to_string);
        writeln!(
            description,
            "{:?}: {error:?} {:?}",
            row.status, row.warnings
        )
        .ok();
    }
    for request in &record.requests {
        let Request {
            at, method, target, ..
        } = request;
        writeln!(description, "{at:?} {method} {target}").ok();
    }
    let summary = outcome.as_ref().ok().map(|report| report.summary);
    findings.extend(outcome.err());
    RunResult {
        findings,
        requests: record.requests.len(),
        summary: summary.unwrap_or_default(),
        took,
        description,
    }
}

/// Runs the rows within the budget.
async fn sync(script: &Script, hosts: &Hosts) -> Result<Report, Finding> {
    let directory = tempfile::tempdir().unwrap();
    let client = client(directory.path(), hosts, script.identity_tokens);
    let rows: Vec<_> = script.rows.iter().map(|row| row.row.clone()).collect();
    let stop = CancellationToken::new();
    if let Some(after) = script.stop_after {
        let stop = stop.clone();
        tokio::spawn(async move {
            tokio::time::sleep(after).await;
            stop.cancel();
        });
    }
    let budget = match script.options.row_timeout {
        Some(_) => BUDGET,
        None => BUDGET_WITHOUT_ROW_TIMEOUT,
    };
    let context = RunContext {
        client: &client,
        options: &script.options,
        progress: &Arc::new(Progress::default()),
        stop: &stop,
    };
    let run = AssertUnwindSafe(copier::sync(context, &rows, &[])).catch_unwind();
    match tokio::time::timeout(budget, Box::pin(run)).await {
        Ok(Ok(report)) => Ok(report),
        Ok(Err(panic)) => {
            let text = panic.downcast_ref::<String>().cloned();
            Err(Finding::new("a panic", text.unwrap_or_default()))
        }
        Err(_) => Err(Finding::new("a run without an end", format!("{budget:?}"))),
    }
}

/// Returns a client with stored credentials for every host.
fn client(directory: &Path, hosts: &Hosts, identity_tokens: bool) -> Client {
    let auths = Role::ALL.map(|role| {
        let auth = BASE64_STANDARD.encode(format!("{}:{}", role.user(), role.password()));
        let entry = if identity_tokens {
            json!({"identitytoken": role.password()})
        } else {
            json!({"auth": auth})
        };
        (hosts.name(role).to_owned(), entry)
    });
    let auths: serde_json::Map<_, _> = auths.into_iter().collect();
    let file = directory.join("auth.json");
    std::fs::write(&file, json!({"auths": auths}).to_string()).unwrap();
    let sources = CredentialSources {
        files: vec![CredentialFile::required(file)],
        helpers: Helpers::new(""),
    };
    Client::builder()
        .credentials(CredentialStore::new(sources))
        .timeouts(timeouts())
        .retry_policy(retry_policy())
        .build()
}

fn timeouts() -> Timeouts {
    let real = Timeouts::default();
    Timeouts {
        connect: real.connect / SCALE,
        first_byte: real.first_byte / SCALE,
        stall: real.stall / SCALE,
        commit: real.commit / SCALE,
        document: real.document / SCALE,
        list: real.list / SCALE,
        minimum_rate: MinimumRate {
            within: real.minimum_rate.within / SCALE,
            ..real.minimum_rate
        },
    }
}

fn retry_policy() -> RetryPolicy {
    let real = RetryPolicy::default();
    RetryPolicy {
        max_elapsed: real.max_elapsed / SCALE,
        initial_backoff: real.initial_backoff / SCALE,
        max_wait: real.max_wait / SCALE,
        ..real
    }
}
