//! A run of the copying engine with what is needed to tell of it.

use std::time::Duration;

use copier::{Moved, Outcome, Report, Row, Status};
use tokio_util::sync::CancellationToken;

use crate::cli::failure::Finding;
use crate::rows::selection::Place;
use crate::rows::shard::Shard;
use crate::terminal::hints;

/// What was run, and what came of it.
#[derive(Debug)]
pub(crate) struct Run {
    /// The rows.
    pub(crate) rows: Vec<Row>,
    /// Where each stands, for rows of a list.
    pub(crate) places: Vec<Place>,
    /// The engine's report, one outcome for each row.
    pub(crate) report: Report,
    /// HTTP requests sent.
    pub(crate) requests: u64,
    /// From the first request to the last answer.
    pub(crate) duration: Duration,
    /// Whether nothing was to be written.
    pub(crate) mode: Mode,
    /// Whether a signal ended it early.
    pub(crate) ending: Ending,
    /// Which share of the list's rows these are.
    pub(crate) shard: Option<Shard>,
}

/// Whether a run writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// It copies.
    Copy,
    /// It says what it would copy.
    DryRun,
}

/// How a run came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Every row has its outcome.
    Complete,
    /// A signal came.
    Interrupted,
}

impl Ending {
    /// How a run that could be stopped has ended.
    pub(crate) fn of(stop: &CancellationToken) -> Self {
        if stop.is_cancelled() {
            Self::Interrupted
        } else {
            Self::Complete
        }
    }
}

impl Run {
    /// The rows with their outcomes.
    pub(crate) fn outcomes(&self) -> impl Iterator<Item = (&Row, &Outcome)> {
        self.rows.iter().zip(&self.report.rows)
    }

    /// What failed, by the lines of the list.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        let placed = self.outcomes().zip(&self.places);
        placed
            .filter_map(|((row, outcome), place)| {
                let error = outcome.error.as_ref()?;
                let hint = hints::of_row(row, error).map(|hint| format!(" ({hint})"));
                Some(Finding {
                    file: place.file.clone(),
                    line: place.line,
                    message: format!("{}: {error}{}", row.source, hint.unwrap_or_default()),
                })
            })
            .collect()
    }

    /// Source tags that were pushed again and not followed, by the lines of
    /// the list.
    pub(crate) fn warnings(&self) -> Vec<Finding> {
        let placed = self.outcomes().zip(&self.places);
        placed
            .filter_map(|((row, outcome), place)| {
                let moved = kept(outcome)?;
                let hint = hints::of_moved(row);
                Some(Finding {
                    file: place.file.clone(),
                    line: place.line,
                    message: format!(
                        "{}: {moved}; what was approved was kept ({hint})",
                        row.source
                    ),
                })
            })
            .collect()
    }
}

/// Where the source tag was pushed again and the row got what was approved.
fn kept(outcome: &Outcome) -> Option<&Moved> {
    outcome
        .moved
        .as_ref()
        .filter(|_| outcome.status != Status::Failed)
}

#[cfg(test)]
pub(crate) mod tests {
    use copier::{RowError, Summary};

    use super::*;

    /// Rows `q.io/a/N:v1` to `r.io/b/N:v1` with these outcomes.
    pub(crate) fn run_of(outcomes: Vec<Outcome>) -> Run {
        let name = |host: &str, number: usize| format!("{host}/{number}:v1").parse().unwrap();
        let rows: Vec<Row> = (0..outcomes.len())
            .map(|number| Row {
                source: name("q.io/a", number),
                destination: name("r.io/b", number),
                approved: None,
            })
            .collect();
        let count = |status| {
            outcomes
                .iter()
                .filter(|outcome| outcome.status == status)
                .count()
        };
        let summary = Summary {
            rows: rows.len(),
            copied: count(Status::Copied),
            unchanged: count(Status::Unchanged),
            skipped: count(Status::Skipped),
            failed: count(Status::Failed),
            ..Summary::default()
        };
        let place = |line| Place {
            file: "list".to_owned(),
            line,
        };
        Run {
            places: (1..=rows.len()).map(place).collect(),
            rows,
            report: Report {
                rows: outcomes,
                summary,
            },
            requests: 7,
            duration: Duration::from_millis(1500),
            mode: Mode::Copy,
            ending: Ending::Complete,
            shard: None,
        }
    }

    pub(crate) fn outcome(status: Status) -> Outcome {
        let missing = || RowError::SourceMissing {
            reference: "q.io/a/0:v1".to_owned(),
        };
        Outcome {
            status,
            digest: None,
            source: None,
            moved: None,
            bytes_copied: 0,
            warnings: Vec::new(),
            error: (status == Status::Failed).then(missing),
        }
    }

    #[test]
    fn findings_name_the_line_of_the_failed_row() {
        let run = run_of(vec![outcome(Status::Copied), outcome(Status::Failed)]);
        let findings = run.findings();
        assert_eq!(findings.len(), 1);
        assert_eq!((findings[0].file.as_str(), findings[0].line), ("list", 2));
        assert!(
            findings[0].message.contains("mirror tags"),
            "{}",
            findings[0]
        );
    }
}
