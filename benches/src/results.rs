//! The measurements in `results.json`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::BenchError;
use crate::tool::Tool;
use crate::workload::{State, Workload};

/// All measurements of a machine.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Results {
    /// A description of the machine.
    pub(crate) machine: String,
    /// Sorted by workload, state and round trip.
    pub(crate) cells: Vec<Cell>,
}

/// The measurements of one workload, state and round trip.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Cell {
    pub(crate) work: Workload,
    pub(crate) state: State,
    /// In milliseconds.
    pub(crate) round_trip_ms: u64,
    /// Over TLS and HTTP/2, with redirected blobs.
    #[serde(default)]
    pub(crate) tls: bool,
    /// The number of destination registries.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub(crate) destinations: usize,
    /// Megabytes a second to each destination, `None` for any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rate: Option<u64>,
    /// The length of the list, which is smaller with `--quick`.
    pub(crate) rows: usize,
    /// The requests of [`crate::floor`].
    pub(crate) floor_requests: u64,
    /// The bytes of [`crate::floor`].
    pub(crate) floor_bytes: u64,
    /// `YYYY-MM-DD`.
    pub(crate) measured_on: String,
    /// The floor first.
    pub(crate) tools: Vec<Measured>,
}

fn one() -> usize {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_one(number: &usize) -> bool {
    *number == 1
}

/// All runs of a tool.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Measured {
    pub(crate) tool: Tool,
    pub(crate) version: String,
    /// The failure that ended its runs.
    pub(crate) failed: Option<String>,
    /// One run for each round.
    pub(crate) runs: Vec<Run>,
}

/// One run.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) wall_seconds: f64,
    pub(crate) cpu_seconds: f64,
    pub(crate) registries_cpu_seconds: f64,
    /// The time of the relays, and of the sampling of the tool.
    pub(crate) bench_cpu_seconds: f64,
    pub(crate) peak_memory_bytes: u64,
    /// Bytes of blobs sent by the source.
    pub(crate) bytes: u64,
    pub(crate) blobs_fetched_again: u64,
    /// The number of requests of each kind.
    pub(crate) kinds: BTreeMap<String, u64>,
    /// Connections over TLS.
    #[serde(default)]
    pub(crate) connections: u64,
    /// Those with a whole handshake instead of a resumed session.
    #[serde(default)]
    pub(crate) full_handshakes: u64,
}

impl Run {
    /// Returns the number of all requests.
    pub(crate) fn requests(&self) -> u64 {
        self.kinds.values().sum()
    }

    /// Returns the number of requests to the source.
    pub(crate) fn source_requests(&self) -> u64 {
        let kinds = self.kinds.iter();
        let source = kinds.filter(|(kind, _)| kind.starts_with("source "));
        source.map(|(_, count)| count).sum()
    }

    /// Returns the average number of busy CPUs.
    pub(crate) fn processors(&self) -> f64 {
        let all = self.cpu_seconds + self.registries_cpu_seconds + self.bench_cpu_seconds;
        all / self.wall_seconds
    }
}

impl Measured {
    /// Creates the measurements of a tool, without runs.
    pub(crate) fn new(tool: Tool, version: String) -> Self {
        Self {
            tool,
            version,
            failed: None,
            runs: Vec::new(),
        }
    }

    /// Returns the median of a value over all runs.
    pub(crate) fn median(&self, of: impl Fn(&Run) -> f64) -> f64 {
        median(self.runs.iter().map(of))
    }
}

impl Cell {
    /// Returns the median ratio of a tool's wall time to that of the floor in the same round. `None` if the
    /// tool failed.
    pub(crate) fn ratio(&self, tool: &Measured) -> Option<f64> {
        let floor = self.tools.iter().find(|tool| tool.tool == Tool::Floor)?;
        let done = tool.failed.is_none() && !tool.runs.is_empty();
        let pairs = tool.runs.iter().zip(&floor.runs);
        let ratio = median(pairs.map(|(run, floor)| run.wall_seconds / floor.wall_seconds));
        done.then_some(ratio)
    }

    /// Returns the network and the destinations in words.
    pub(crate) fn network(&self) -> String {
        let tls = if self.tls { ", TLS" } else { "" };
        let destinations = match self.destinations {
            1 => String::new(),
            number => format!(", to {number} registries"),
        };
        let rate = self.rate.map(|rate| format!(", {rate} MB/s to each"));
        let rate = rate.unwrap_or_default();
        format!("{} ms{tls}{destinations}{rate}", self.round_trip_ms)
    }

    fn key(&self) -> (Workload, State, u64, bool, usize, Option<u64>) {
        let network = (self.round_trip_ms, self.tls, self.destinations, self.rate);
        let (round_trip, tls, destinations, rate) = network;
        (self.work, self.state, round_trip, tls, destinations, rate)
    }
}

impl Results {
    /// Reads the results of earlier calls. A missing file is no error.
    pub(crate) fn read(directory: &Path) -> Result<Self, BenchError> {
        let path = directory.join("results.json");
        let Ok(text) = fs::read_to_string(&path) else {
            return Ok(Self::default());
        };
        serde_json::from_str(&text).map_err(|error| {
            let path = path.display();
            BenchError::Wrong(format!("parse {path}: {error}; remove the file"))
        })
    }

    /// Adds a cell, which replaces an earlier one with the same key.
    pub(crate) fn insert(&mut self, cell: Cell) {
        self.cells.retain(|old| old.key() != cell.key());
        self.cells.push(cell);
        self.cells.sort_by_key(Cell::key);
    }
}

/// Returns the median: the mean of the middle two for an even number of values, 0 without values.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => 0.0,
        odd if odd % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(tool: Tool, walls: &[f64]) -> Measured {
        let runs = walls.iter().map(|wall| Run {
            wall_seconds: *wall,
            ..Run::default()
        });
        Measured {
            runs: runs.collect(),
            ..Measured::new(tool, "1".to_owned())
        }
    }

    #[test]
    fn ratio_compares_runs_of_the_same_round() {
        // The machine was ten times slower in the second round.
        let tools = vec![
            measured(Tool::Floor, &[1.0, 10.0, 1.0]),
            measured(Tool::Mirror, &[1.5, 12.0, 1.2]),
        ];
        let cell = Cell {
            work: Workload::Small,
            state: State::Cold,
            round_trip_ms: 0,
            tls: false,
            destinations: 1,
            rate: None,
            rows: 1,
            floor_requests: 1,
            floor_bytes: 1,
            measured_on: String::new(),
            tools,
        };
        assert_eq!(cell.ratio(&cell.tools[1]), Some(1.2));
        assert_eq!(cell.ratio(&measured(Tool::Crane, &[])), None);
    }

    #[test]
    fn median_does_not_depend_on_the_order() {
        assert_eq!(median([3.0, 1.0, 20.0]), 3.0);
        assert_eq!(median([4.0, 1.0, 2.0, 9.0]), 3.0);
        assert_eq!(median([]), 0.0);
    }
}
