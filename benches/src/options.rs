//! The command line.

use std::path::PathBuf;

use crate::failure::Failure;
use crate::peers::Tool;
use crate::work::{Size, State, Work};

/// What a wrong call is answered with.
pub(crate) const USAGE: &str = "\
scripts/bench [OPTIONS]: measures mirror beside its peers between two registries on loopback

  --quick                  a fifth of the images, 3 rounds, 30 ms, cold and warm
  --work WORK,…            small, multi, big, rows (all)
  --state STATE,…          cold, warm, incremental (all)
  --round-trip MS,…        milliseconds of a round trip to either registry (0,30,80)
  --tool TOOL,…            floor, mirror, mirror-referrers, regsync, crane, skopeo, skopeo-sync
                           (those found but skopeo-sync; the floor always runs)
  --rounds N               how often each tool runs (5)
  --scale ROWS,…           instead: mirror alone, with lists of these lengths and registries in memory
  --mirror PATH            the binary (scripts/bench builds it)
  --into FOLDER            adds the results to those in the folder (benches/results, but not with
                           --quick)";

/// What to measure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// The lists.
    pub(crate) works: Vec<Work>,
    /// The states of the destination.
    pub(crate) states: Vec<State>,
    /// In milliseconds.
    pub(crate) round_trips: Vec<u64>,
    /// `None`: all that are installed.
    pub(crate) tools: Option<Vec<Tool>>,
    /// Lengths of lists; if there are any, nothing else is measured.
    pub(crate) scale: Vec<u64>,
    /// At least one.
    pub(crate) rounds: usize,
    /// How big the lists are.
    pub(crate) size: Size,
    /// The binary under measurement.
    pub(crate) mirror: PathBuf,
    /// Where results go.
    pub(crate) into: Option<PathBuf>,
}

impl Options {
    /// Reads the arguments.
    ///
    /// # Errors
    ///
    /// [`Failure::Usage`] for the first one that is wrong.
    pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let arguments: Vec<String> = arguments.collect();
        let quick = arguments.iter().any(|argument| argument == "--quick");
        let mut options = if quick { Self::quick() } else { Self::full() };
        let mut arguments = arguments.into_iter();
        while let Some(name) = arguments.next() {
            if name == "--quick" {
                continue;
            }
            let value = arguments.next();
            let value = value.ok_or_else(|| Failure::Usage(format!("{name} needs a value")))?;
            options.set(&name, &value)?;
        }
        Ok(options)
    }

    fn full() -> Self {
        Self {
            works: Work::ALL.to_vec(),
            states: State::ALL.to_vec(),
            round_trips: vec![0, 30, 80],
            tools: None,
            scale: Vec::new(),
            rounds: 5,
            size: Size::Full,
            mirror: PathBuf::from("target/dist/mirror"),
            into: Some(PathBuf::from("benches/results")),
        }
    }

    fn quick() -> Self {
        Self {
            works: vec![Work::Small],
            states: vec![State::Cold, State::Warm],
            round_trips: vec![30],
            rounds: 3,
            size: Size::Quick,
            into: None,
            ..Self::full()
        }
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), Failure> {
        match name {
            "--work" => self.works = each(name, value, |v| named(&Work::ALL, Work::name, v))?,
            "--state" => self.states = each(name, value, |v| named(&State::ALL, State::name, v))?,
            "--round-trip" => self.round_trips = each(name, value, |v| v.parse().ok())?,
            "--scale" => self.scale = each(name, value, |v| v.parse().ok())?,
            "--tool" => {
                self.tools = Some(each(name, value, |v| named(&Tool::ALL, Tool::name, v))?);
            }
            "--rounds" => {
                let rounds = value.parse().ok().filter(|rounds| *rounds > 0);
                self.rounds = rounds.ok_or_else(|| wrong(name, value))?;
            }
            "--mirror" => self.mirror = PathBuf::from(value),
            "--into" => self.into = Some(PathBuf::from(value)),
            _ => return Err(Failure::Usage(format!("there is no option {name}"))),
        }
        Ok(())
    }
}

fn named<T: Copy>(all: &[T], name: impl Fn(T) -> &'static str, wanted: &str) -> Option<T> {
    all.iter().copied().find(|item| name(*item) == wanted)
}

fn each<T>(name: &str, values: &str, parse: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, Failure> {
    let values = values.split(',');
    values
        .map(|value| parse(value).ok_or_else(|| wrong(name, value)))
        .collect()
}

fn wrong(name: &str, value: &str) -> Failure {
    Failure::Usage(format!("{name} {value}: there is no such value"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, Failure> {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn options_narrow_what_is_measured() {
        let options = parse("--work rows,big --round-trip 7 --quick --tool mirror --rounds 9");
        let expected = Options {
            works: vec![Work::Rows, Work::Big],
            round_trips: vec![7],
            tools: Some(vec![Tool::Mirror]),
            rounds: 9,
            ..Options::quick()
        };
        assert_eq!(options.unwrap(), expected);
    }

    #[test]
    fn wrong_options_are_told() {
        for (line, message) in [
            ("--work", "--work needs a value"),
            ("--work smal", "--work smal: there is no such value"),
            ("--rounds 0", "--rounds 0: there is no such value"),
            ("--fast yes", "there is no option --fast"),
        ] {
            let told = parse(line).unwrap_err().to_string();
            assert!(told.starts_with(message), "{line}: {told}");
        }
    }
}
