//! Paired and interleaved runs.

use chrono::Utc;
use testkit::processes::RegistryProcess;

use crate::failure::Failure;
use crate::floor;
use crate::floor_plan::Plan;
use crate::job::Job;
use crate::measure::{self, Cost};
use crate::options::Options;
use crate::peers::Tool;
use crate::processors::Others;
use crate::requests::Counted;
use crate::results::{Cell, Measured, Run};
use crate::stage::{Stage, Wire, Wired};
use crate::verify;
use crate::work::State;

/// One thing to measure, set up.
struct Rounds<'a> {
    stage: &'a Stage,
    state: State,
    /// In milliseconds.
    round_trip: u64,
    options: &'a Options,
    source: String,
    /// The destination of all runs, where none of them writes: filling it takes long.
    shared: Option<Wired>,
    plan: Plan<'a>,
}

/// Lets every tool do the same in turns.
///
/// # Errors
///
/// When the floor cannot be measured. A peer that fails is in the result.
pub(crate) async fn measure(
    stage: &Stage,
    state: State,
    round_trip: u64,
    options: &Options,
) -> Result<Cell, Failure> {
    let wire = Wire::to(&stage.source, round_trip).await?;
    let rows = stage.rows(state);
    let there = match state {
        State::Cold => Vec::new(),
        State::Warm | State::Incremental => stage.rows(State::Warm),
    };
    let shared = match state {
        State::Cold | State::Incremental => None,
        State::Warm => Some(stage.destination(state, round_trip).await?),
    };
    let rounds = Rounds {
        stage,
        state,
        round_trip,
        options,
        source: wire.host(),
        shared,
        plan: Plan::of(&rows, &there),
    };
    let mut measured = rounds.tools();
    for round in 0..options.rounds {
        for index in order(measured.len(), round) {
            let tool = &mut measured[index];
            if tool.failed.is_none() {
                rounds.turn(tool, round == 0).await?;
            }
        }
    }
    Ok(Cell {
        work: stage.work,
        state,
        round_trip_ms: round_trip,
        rows: rows.len(),
        floor_requests: rounds.plan.requests() as u64,
        floor_bytes: rounds.plan.bytes(),
        measured_on: Utc::now().format("%Y-%m-%d").to_string(),
        tools: measured,
    })
}

/// Which tool has which turn: in each round each once, another one first.
fn order(tools: usize, round: usize) -> impl Iterator<Item = usize> {
    (0..tools).map(move |turn| (turn + round) % tools)
}

impl Rounds<'_> {
    /// Those that were asked for and are there.
    fn tools(&self) -> Vec<Measured> {
        let wanted = |tool: &Tool| {
            let wanted = self.options.tools.as_ref();
            match wanted {
                Some(tools) => *tool == Tool::Floor || tools.contains(tool),
                // One image after the other takes minutes where the others take seconds.
                None => *tool != Tool::SkopeoSync,
            }
        };
        let tools = Tool::ALL.into_iter().filter(wanted);
        tools
            .filter_map(|tool| Some(Measured::new(tool, tool.version(&self.options.mirror)?)))
            .collect()
    }

    /// One run of one tool.
    async fn turn(&self, tool: &mut Measured, check: bool) -> Result<(), Failure> {
        let name = tool.tool.title();
        match self.run(tool.tool, check).await {
            Ok(run) => {
                let (work, state) = (self.stage.work.name(), self.state.name());
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

    async fn run(&self, tool: Tool, check: bool) -> Result<Run, Failure> {
        let fresh;
        let destination = match &self.shared {
            Some(shared) => shared,
            None => {
                fresh = self.stage.destination(self.state, self.round_trip).await?;
                &fresh
            }
        };
        let rows = self.stage.rows(self.state);
        let folder = tempfile::tempdir().map_err(Failure::io("create a folder"))?;
        let job = Job {
            folder: folder.path(),
            source: &self.source,
            destination: &destination.host(),
            rows: &rows,
            // Enough to fill a wire; without one, what a machine's cores can take.
            width: if self.round_trip == 0 { 8 } else { 32 },
        };
        let registries = [&self.stage.source, &destination.registry];
        let [source, there] = registries.map(RegistryProcess::requests);
        let seen = [source.await.len(), there.await.len()];
        let processes = registries.map(RegistryProcess::id);
        let before = Others::now(processes)?;
        let cost = self.cost(tool, &job).await?;
        let others = Others::now(processes)?.since(before);
        let run = account(registries, seen, cost, others).await;
        if check {
            verify::destination(self.stage.work, &destination.registry.host(), &rows).await?;
        }
        Ok(run)
    }

    async fn cost(&self, tool: Tool, job: &Job<'_>) -> Result<Cost, Failure> {
        if tool == Tool::Floor {
            return floor::run(job, &self.plan).await;
        }
        let command = tool.command(&self.options.mirror, job)?;
        let ran = measure::run(command, job.folder).await?;
        match ran.status.success() {
            true => Ok(ran.cost),
            false => Err(Failure::Program {
                program: tool.title().to_owned(),
                said: ran.said(),
            }),
        }
    }
}

/// The requests after those that source and destination had `seen` before.
async fn account(
    registries: [&RegistryProcess; 2],
    seen: [usize; 2],
    cost: Cost,
    others: Others,
) -> Run {
    let [source, destination] = registries.map(RegistryProcess::requests);
    let (source, destination) = (source.await, destination.await);
    let counted = Counted::of(&source[seen[0]..], &destination[seen[1]..]);
    Run {
        wall_seconds: cost.wall.as_secs_f64(),
        cpu_seconds: cost.cpu.as_secs_f64(),
        registries_cpu_seconds: others.registries.as_secs_f64(),
        bench_cpu_seconds: others.bench.as_secs_f64(),
        peak_memory_bytes: cost.memory,
        bytes: counted.bytes,
        blobs_fetched_again: counted.twice,
        kinds: counted.kinds,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_has_every_turn() {
        let rounds: Vec<Vec<_>> = (0..3).map(|round| order(3, round).collect()).collect();
        assert_eq!(rounds, [[0, 1, 2], [1, 2, 0], [2, 0, 1]]);
    }
}
