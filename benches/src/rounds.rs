//! Interleaved runs of all tools.

use chrono::Utc;
use testkit::certificates::Authority;
use testkit::processes::RegistryProcess;

use crate::cpu_time::OtherCpuTime;
use crate::error::BenchError;
use crate::floor;
use crate::job::Job;
use crate::measure::{self, Cost};
use crate::options::Options;
use crate::request_counts::RequestCounts;
use crate::request_plan::RequestPlan;
use crate::results::{Cell, Measured, Run};
use crate::testbed::{Destination, Link, Network, Testbed};
use crate::tls_front::Connections;
use crate::tool::Tool;
use crate::verify;
use crate::workload::State;

/// The setup of one measurement.
struct Rounds<'a> {
    testbed: &'a Testbed,
    state: State,
    /// In milliseconds.
    round_trip: u64,
    options: &'a Options,
    source: Link,
    /// The destinations of all runs if no run writes to them.
    shared: Option<Vec<Destination>>,
    plan: RequestPlan<'a>,
}

/// Runs every tool in each round, from the same state.
///
/// # Errors
///
/// If the floor cannot be measured. The failure of another tool is part of the result.
pub(crate) async fn measure(
    testbed: &Testbed,
    state: State,
    round_trip: u64,
    options: &Options,
) -> Result<Cell, BenchError> {
    let from = Network {
        round_trip_ms: round_trip,
        megabytes_per_second: None,
    };
    let link = testbed.link(&testbed.source, from).await?;
    let rows = testbed.rows(state);
    let existing = match state {
        State::Cold => Vec::new(),
        State::Warm | State::Incremental => testbed.rows(State::Warm),
    };
    let shared = match state {
        State::Cold | State::Incremental => None,
        State::Warm => Some(destinations(testbed, state, round_trip, options).await?),
    };
    let rounds = Rounds {
        testbed,
        state,
        round_trip,
        options,
        source: link,
        shared,
        plan: RequestPlan::new(&rows, &existing),
    };
    let mut measured = rounds.tools();
    for round in 0..options.rounds {
        for index in order(measured.len(), round) {
            let tool = &mut measured[index];
            if tool.failed.is_none() {
                rounds.run_tool(tool, round == 0).await?;
            }
        }
    }
    Ok(Cell {
        work: testbed.work,
        state,
        round_trip_ms: round_trip,
        tls: options.tls,
        destinations: options.destinations,
        rate: options.rate,
        rows: rows.len(),
        floor_requests: rounds.plan.requests(options.destinations) as u64,
        floor_bytes: rounds.plan.bytes(),
        measured_on: Utc::now().format("%Y-%m-%d").to_string(),
        tools: measured,
    })
}

/// Starts the destinations of a run.
async fn destinations(
    testbed: &Testbed,
    state: State,
    round_trip: u64,
    options: &Options,
) -> Result<Vec<Destination>, BenchError> {
    let network = Network {
        round_trip_ms: round_trip,
        megabytes_per_second: options.rate,
    };
    let mut started = Vec::new();
    for _ in 0..options.destinations {
        started.push(testbed.destination(state, network).await?);
    }
    Ok(started)
}

/// Returns the order of the tools in a round. Each round starts with another tool.
fn order(tools: usize, round: usize) -> impl Iterator<Item = usize> {
    (0..tools).map(move |turn| (turn + round) % tools)
}

impl Rounds<'_> {
    /// Returns the requested tools that are installed.
    fn tools(&self) -> Vec<Measured> {
        let is_requested = |tool: &Tool| {
            match self.options.tools.as_ref() {
                Some(tools) => *tool == Tool::Floor || tools.contains(tool),
                // It copies one image at a time, which takes minutes instead of seconds.
                None => *tool != Tool::SkopeoSync,
            }
        };
        let tools = Tool::ALL.into_iter().filter(is_requested);
        tools
            .filter_map(|tool| Some(Measured::new(tool, tool.version(&self.options.mirror)?)))
            .collect()
    }

    /// Runs a tool once and records the result.
    async fn run_tool(&self, tool: &mut Measured, check: bool) -> Result<(), BenchError> {
        let name = tool.tool.title();
        match self.run(tool.tool, check).await {
            Ok(run) => {
                let (work, state) = (self.testbed.work.name(), self.state.name());
                eprintln!(
                    "bench: {work} {state} {} ms: {name}: {:.2} s, CPU {:.2} s, {} requests",
                    self.round_trip,
                    run.wall_seconds,
                    run.cpu_seconds,
                    run.requests(),
                );
                tool.runs.push(run);
            }
            Err(failure) if tool.tool == Tool::Floor => return Err(failure),
            Err(failure) => {
                eprintln!("bench: {name}: {failure}");
                tool.failed = Some(failure.to_string());
            }
        }
        Ok(())
    }

    async fn run(&self, tool: Tool, check: bool) -> Result<Run, BenchError> {
        let fresh;
        let destinations = match &self.shared {
            Some(shared) => shared,
            None => {
                let (testbed, options) = (self.testbed, self.options);
                fresh = destinations(testbed, self.state, self.round_trip, options).await?;
                &fresh
            }
        };
        let rows = self.testbed.rows(self.state);
        let directory = tempfile::tempdir().map_err(BenchError::io("create a directory"))?;
        let authority = self.testbed.authority.as_ref().map(Authority::pem);
        let source = self.source.host();
        let hosts: Vec<_> = destinations.iter().map(Destination::host).collect();
        let job = Job {
            directory: directory.path(),
            source: &source,
            destinations: &hosts,
            rows: &rows,
            authority,
            // Enough to fill a connection with a round trip; on loopback the cores are the limit.
            concurrency: if self.round_trip == 0 { 8 } else { 32 },
        };
        if let Some(authority) = authority {
            job.write(measure::AUTHORITY_FILE, authority)?;
        }
        let registries = destinations.iter().map(|it| &it.registry);
        let registries: Vec<_> = std::iter::once(&self.testbed.source)
            .chain(registries)
            .collect();
        let links = destinations.iter().map(|it| &it.link);
        let links = std::iter::once(&self.source).chain(links);
        let fronts: Vec<_> = links.filter_map(Link::tls).collect();
        let seen: Vec<_> = fronts.iter().map(|front| front.requests().len()).collect();
        let mut skipped = Vec::new();
        for registry in &registries {
            skipped.push(registry.requests().await.len());
        }
        let mut processes: Vec<_> = registries.iter().map(|it| it.id()).collect();
        processes.extend(fronts.iter().map(|front| front.id()));
        let before = OtherCpuTime::now(&processes)?;
        let cost = self.cost(tool, &job).await?;
        let others = OtherCpuTime::now(&processes)?.since(before);
        let mut run = summarize(&registries, &skipped, cost, others).await;
        let connections = fronts.iter().zip(seen);
        let connections =
            connections.map(|(front, seen)| Connections::of(&front.requests()[seen..]));
        let connections = connections.fold(Connections::default(), Connections::and);
        run.connections = connections.opened;
        run.full_handshakes = connections.full_handshakes;
        if check {
            for destination in destinations {
                let host = destination.registry.host();
                verify::destination(self.testbed.work, &host, &rows).await?;
            }
        }
        Ok(run)
    }

    async fn cost(&self, tool: Tool, job: &Job<'_>) -> Result<Cost, BenchError> {
        if tool == Tool::Floor {
            return floor::run(job, &self.plan).await;
        }
        let command = tool.command(&self.options.mirror, job)?;
        let ran = measure::run(command, job.directory).await?;
        match ran.status.success() {
            true => Ok(ran.cost),
            false => Err(BenchError::Program {
                program: tool.title().to_owned(),
                output: ran.failure(),
            }),
        }
    }
}

/// Combines the cost of a run with the logged requests, the source first, without those before the run.
async fn summarize(
    registries: &[&RegistryProcess],
    skipped: &[usize],
    cost: Cost,
    others: OtherCpuTime,
) -> Run {
    let mut logs = Vec::new();
    for (registry, skipped) in registries.iter().zip(skipped) {
        logs.push(registry.requests().await.split_off(*skipped));
    }
    let counts = RequestCounts::new(&logs[0], &logs[1..].concat());
    Run {
        wall_seconds: cost.wall.as_secs_f64(),
        cpu_seconds: cost.cpu.as_secs_f64(),
        registries_cpu_seconds: others.registries.as_secs_f64(),
        bench_cpu_seconds: others.bench.as_secs_f64(),
        peak_memory_bytes: cost.memory,
        bytes: counts.bytes,
        blobs_fetched_again: counts.repeated,
        kinds: counts.kinds,
        connections: 0,
        full_handshakes: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_starts_each_round_with_another_tool() {
        let rounds: Vec<Vec<_>> = (0..3).map(|round| order(3, round).collect()).collect();
        assert_eq!(rounds, [[0, 1, 2], [1, 2, 0], [2, 0, 1]]);
    }
}
