//! The command line.

use std::path::PathBuf;

use crate::error::BenchError;
use crate::tool::Tool;
use crate::workload::{Size, State, Workload};

/// The help text.
pub(crate) const USAGE: &str = "\
scripts/bench [OPTIONS]: compare mirror with other tools between two registries on loopback

  --quick                  a fifth of the images, 3 rounds, 30 ms, cold and warm
  --work WORK,…            small, multi, big, rows (all)
  --state STATE,…          cold, warm, incremental (all)
  --round-trip MS,…        milliseconds of a round trip to either registry (0,30,80)
  --tool TOOL,…            floor, mirror, mirror-referrers, regsync, crane, skopeo, skopeo-sync
                           (installed ones except skopeo-sync; the floor always runs)
  --tls                    nginx with TLS and HTTP/2 before each registry; blobs are redirected
  --destinations N         copy each row to N registries (1)
  --rate MB                megabytes a second to each destination (any; not with --tls)
  --rounds N               runs of each tool (5)
  --export                 measure exports to files and imports instead: --work big,small
  --scale ROWS,…           measure mirror alone, with lists of these lengths and registries in memory
  --usage PODS,…           measure `mirror usage` alone, with clusters of these sizes, from JSON and YAML
  --signed ROUNDS          measure mirror alone, with and without a policy for signatures
  --mirror PATH            the binary (scripts/bench builds it)
  --into DIRECTORY            add the results to those in the directory (benches/results, none with
                           --quick)";

/// The parsed command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// The workloads to measure.
    pub(crate) works: Vec<Workload>,
    /// The states of the destination.
    pub(crate) states: Vec<State>,
    /// In milliseconds.
    pub(crate) round_trips: Vec<u64>,
    /// `None` for all installed tools.
    pub(crate) tools: Option<Vec<Tool>>,
    /// nginx with TLS and HTTP/2 is in front of each registry.
    pub(crate) tls: bool,
    /// The number of destination registries, at least one.
    pub(crate) destinations: usize,
    /// Megabytes a second to each destination.
    pub(crate) rate: Option<u64>,
    /// Exports are measured, and nothing else.
    pub(crate) export: bool,
    /// Lengths of lists. If not empty, nothing else is measured.
    pub(crate) scale: Vec<u64>,
    /// Numbers of pods. If not empty, nothing else is measured.
    pub(crate) usage: Vec<u64>,
    /// Rounds with and without a policy. If there are any, nothing else is measured.
    pub(crate) signed: Option<usize>,
    /// At least one.
    pub(crate) rounds: usize,
    /// The size of the lists.
    pub(crate) size: Size,
    /// The binary under measurement.
    pub(crate) mirror: PathBuf,
    /// The directory of results.
    pub(crate) into: Option<PathBuf>,
}

impl Options {
    /// Parses the arguments.
    ///
    /// # Errors
    ///
    /// [`BenchError::Usage`] for the first invalid argument.
    pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> Result<Self, BenchError> {
        let arguments: Vec<String> = arguments.collect();
        let quick = arguments.iter().any(|argument| argument == "--quick");
        let mut options = if quick { Self::quick() } else { Self::full() };
        let mut arguments = arguments.into_iter();
        while let Some(name) = arguments.next() {
            if name == "--quick" {
                continue;
            }
            if name == "--tls" {
                options.tls = true;
                continue;
            }
            if name == "--export" {
                options.export = true;
                continue;
            }
            let value = arguments.next();
            let value = value.ok_or_else(|| BenchError::Usage(format!("{name} needs a value")))?;
            options.set(&name, &value)?;
        }
        Ok(options)
    }

    fn full() -> Self {
        Self {
            works: Workload::ALL.to_vec(),
            states: State::ALL.to_vec(),
            round_trips: vec![0, 30, 80],
            tools: None,
            tls: false,
            destinations: 1,
            rate: None,
            export: false,
            scale: Vec::new(),
            usage: Vec::new(),
            signed: None,
            rounds: 5,
            size: Size::Full,
            mirror: PathBuf::from("target/dist/mirror"),
            into: Some(PathBuf::from("benches/results")),
        }
    }

    fn quick() -> Self {
        Self {
            works: vec![Workload::Small],
            states: vec![State::Cold, State::Warm],
            round_trips: vec![30],
            rounds: 3,
            size: Size::Quick,
            into: None,
            ..Self::full()
        }
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), BenchError> {
        match name {
            "--work" => {
                self.works = parse_list(name, value, |v| {
                    find_by_name(&Workload::ALL, Workload::name, v)
                })?;
            }
            "--state" => {
                self.states =
                    parse_list(name, value, |v| find_by_name(&State::ALL, State::name, v))?;
            }
            "--round-trip" => self.round_trips = parse_list(name, value, |v| v.parse().ok())?,
            "--scale" => self.scale = parse_list(name, value, |v| v.parse().ok())?,
            "--usage" => self.usage = parse_list(name, value, |v| v.parse().ok())?,
            "--tool" => {
                self.tools = Some(parse_list(name, value, |v| {
                    find_by_name(&Tool::ALL, Tool::name, v)
                })?);
            }
            "--signed" => self.signed = Some(parse_positive(name, value)?),
            "--rounds" => self.rounds = parse_positive(name, value)?,
            "--destinations" => self.destinations = parse_positive(name, value)?,
            "--rate" => self.rate = Some(parse_positive(name, value)? as u64),
            "--mirror" => self.mirror = PathBuf::from(value),
            "--into" => self.into = Some(PathBuf::from(value)),
            _ => return Err(BenchError::Usage(format!("unknown option {name}"))),
        }
        Ok(())
    }
}

fn find_by_name<T: Copy>(all: &[T], name: impl Fn(T) -> &'static str, value: &str) -> Option<T> {
    all.iter().copied().find(|item| name(*item) == value)
}

fn parse_positive(name: &str, value: &str) -> Result<usize, BenchError> {
    let number = value.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| invalid(name, value))
}

fn parse_list<T>(
    name: &str,
    values: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>, BenchError> {
    let values = values.split(',');
    values
        .map(|value| parse(value).ok_or_else(|| invalid(name, value)))
        .collect()
}

fn invalid(name: &str, value: &str) -> BenchError {
    BenchError::Usage(format!("{name} {value}: invalid value"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, BenchError> {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn parse_applies_options_to_the_quick_defaults() {
        let options = parse(
            "--work rows,big --tls --round-trip 7 --quick --tool mirror --rounds 9 --destinations 3 --rate 50",
        );
        let expected = Options {
            works: vec![Workload::Rows, Workload::Big],
            round_trips: vec![7],
            tools: Some(vec![Tool::Mirror]),
            tls: true,
            destinations: 3,
            rate: Some(50),
            rounds: 9,
            ..Options::quick()
        };
        assert_eq!(options.unwrap(), expected);
    }

    #[test]
    fn parse_rejects_invalid_options() {
        for (line, message) in [
            ("--work", "--work needs a value"),
            ("--work smal", "--work smal: invalid value"),
            ("--rounds 0", "--rounds 0: invalid value"),
            ("--fast yes", "unknown option --fast"),
        ] {
            let error = parse(line).unwrap_err().to_string();
            assert!(error.starts_with(message), "{line}: {error}");
        }
    }
}
