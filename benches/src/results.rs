//! What was measured, as it is kept in `results.json`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::median::median;
use crate::peers::Tool;
use crate::work::{State, Work};
use crate::{chart, table};

/// Everything that was measured on a machine.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Results {
    /// The machine, in a line.
    pub(crate) machine: String,
    /// In the order of work, state and round trip.
    pub(crate) cells: Vec<Cell>,
}

/// The tools doing one thing over one wire.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Cell {
    pub(crate) work: Work,
    pub(crate) state: State,
    /// In milliseconds.
    pub(crate) round_trip_ms: u64,
    /// How long the list was: smaller than [`Work`] says with `--quick`.
    pub(crate) rows: usize,
    /// What the formula of [`crate::floor`] gives.
    pub(crate) floor_requests: u64,
    /// What the formula of [`crate::floor`] gives.
    pub(crate) floor_bytes: u64,
    /// `YYYY-MM-DD`.
    pub(crate) measured_on: String,
    /// The floor first.
    pub(crate) tools: Vec<Measured>,
}

/// All runs of a tool.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Measured {
    pub(crate) tool: Tool,
    pub(crate) version: String,
    /// Why it has no further runs.
    pub(crate) failed: Option<String>,
    /// One a round.
    pub(crate) runs: Vec<Run>,
}

/// One run.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) wall_seconds: f64,
    pub(crate) cpu_seconds: f64,
    pub(crate) registries_cpu_seconds: f64,
    /// Of the relays, and of watching the tool.
    pub(crate) bench_cpu_seconds: f64,
    pub(crate) peak_memory_bytes: u64,
    /// Of blobs, from the source.
    pub(crate) bytes: u64,
    pub(crate) blobs_fetched_again: u64,
    /// How many requests of each kind.
    pub(crate) kinds: BTreeMap<String, u64>,
}

impl Run {
    /// How many requests in all.
    pub(crate) fn requests(&self) -> u64 {
        self.kinds.values().sum()
    }

    /// How many processors were at work on the average.
    pub(crate) fn processors(&self) -> f64 {
        let all = self.cpu_seconds + self.registries_cpu_seconds + self.bench_cpu_seconds;
        all / self.wall_seconds
    }
}

impl Measured {
    /// A tool that has not run.
    pub(crate) fn new(tool: Tool, version: String) -> Self {
        Self {
            tool,
            version,
            failed: None,
            runs: Vec::new(),
        }
    }

    /// The median of something over the runs.
    pub(crate) fn median(&self, of: impl Fn(&Run) -> f64) -> f64 {
        median(self.runs.iter().map(of))
    }
}

impl Cell {
    /// The median over the rounds of a tool's wall time by the floor's in the same round. `None`:
    /// it did not do it.
    pub(crate) fn ratio(&self, tool: &Measured) -> Option<f64> {
        let floor = self.tools.iter().find(|tool| tool.tool == Tool::Floor)?;
        let done = tool.failed.is_none() && !tool.runs.is_empty();
        let pairs = tool.runs.iter().zip(&floor.runs);
        let ratio = median(pairs.map(|(run, floor)| run.wall_seconds / floor.wall_seconds));
        done.then_some(ratio)
    }

    fn key(&self) -> (Work, State, u64) {
        (self.work, self.state, self.round_trip_ms)
    }
}

impl Results {
    /// Those of earlier calls; none is no error.
    pub(crate) fn read(folder: &Path) -> Result<Self, Failure> {
        let path = folder.join("results.json");
        let Ok(text) = fs::read_to_string(&path) else {
            return Ok(Self::default());
        };
        serde_json::from_str(&text).map_err(|error| {
            let path = path.display();
            Failure::Wrong(format!(
                "{path} is not as it was written: {error}; remove it"
            ))
        })
    }

    /// Adds a cell in the place of an earlier one.
    pub(crate) fn put(&mut self, cell: Cell) {
        self.cells.retain(|old| old.key() != cell.key());
        self.cells.push(cell);
        self.cells.sort_by_key(Cell::key);
    }

    /// Writes the JSON, the table and the chart.
    pub(crate) fn write(&self, folder: &Path) -> Result<(), Failure> {
        let json =
            serde_json::to_string(self).map_err(|error| Failure::Wrong(error.to_string()))?;
        // A line for each cell, so that a difference shows what was measured again.
        let json = json.replace("{\"work\"", "\n{\"work\"") + "\n";
        let files = [
            ("results.json", json),
            ("results.md", table::table(self)),
            ("results.svg", chart::chart(self)),
        ];
        fs::create_dir_all(folder).map_err(Failure::io("create the folder of results"))?;
        for (name, text) in files {
            let path = folder.join(name);
            fs::write(&path, text).map_err(Failure::io(format!("write {}", path.display())))?;
        }
        Ok(())
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
    fn ratios_are_taken_within_a_round() {
        // The machine was ten times slower in the second round.
        let tools = vec![
            measured(Tool::Floor, &[1.0, 10.0, 1.0]),
            measured(Tool::Mirror, &[1.5, 12.0, 1.2]),
        ];
        let cell = Cell {
            work: Work::Small,
            state: State::Cold,
            round_trip_ms: 0,
            rows: 1,
            floor_requests: 1,
            floor_bytes: 1,
            measured_on: String::new(),
            tools,
        };
        assert_eq!(cell.ratio(&cell.tools[1]), Some(1.2));
        assert_eq!(cell.ratio(&measured(Tool::Crane, &[])), None);
    }
}
