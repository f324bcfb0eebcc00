//! Statistics of a soak: one line per minute, and a summary at the end.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::faults::TrafficCounts;
use super::monitored_run::FinishedRun;
use super::samples::Samples;
use super::status_requests::StatusRequests;

/// Interval between the printed lines.
const LINE_INTERVAL: Duration = Duration::from_secs(60);

/// Sums over all runs.
pub(super) struct Statistics {
    start: Instant,
    last_line: Instant,
    runs: usize,
    status_responses: usize,
    /// Rows of all reports by status.
    rows: BTreeMap<&'static str, u64>,
    longest: Option<(Duration, Samples)>,
    peak: u64,
    descriptors: (u64, u64),
    threads: u64,
}

impl Statistics {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self {
            start: now,
            last_line: now,
            runs: 0,
            status_responses: 0,
            rows: BTreeMap::new(),
            longest: None,
            peak: 0,
            descriptors: (u64::MAX, 0),
            threads: 0,
        }
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// Prints the progress of the run once a minute.
    pub(super) fn print_progress(
        &mut self,
        status: &StatusRequests,
        samples: &Samples,
        counts: &TrafficCounts,
    ) {
        if self.last_line.elapsed() < LINE_INTERVAL {
            return;
        }
        self.last_line += LINE_INTERVAL;
        let now = samples.last();
        println!(
            "soak: minute {}: run {}: {} | {} requests, {} faults, {} tokens | \
             {} KiB, {} descriptors ({} sockets), {} threads",
            self.start.elapsed().as_secs() / 60,
            self.runs + 1,
            status.latest,
            counts.requests,
            counts.faults.values().sum::<u64>(),
            counts.tokens,
            now.memory,
            now.descriptors,
            now.sockets,
            now.threads,
        );
    }

    /// Adds a finished run.
    pub(super) fn add_run(&mut self, run: &FinishedRun, status: &StatusRequests) {
        self.runs += 1;
        self.status_responses += status.responses;
        let samples = &run.samples;
        self.peak = self.peak.max(samples.range(|sample| sample.memory).1);
        let (least, most) = samples.range(|sample| sample.descriptors);
        self.descriptors = (self.descriptors.0.min(least), self.descriptors.1.max(most));
        self.threads = self.threads.max(samples.range(|sample| sample.threads).1);
        let summary = &run.report["summary"];
        let mut counts = Vec::new();
        for row_status in ["copied", "unchanged", "failed"] {
            if let Some(rows) = summary[row_status].as_u64() {
                *self.rows.entry(row_status).or_default() += rows;
                counts.push(format!("{rows} {row_status}"));
            }
        }
        let (counts, seconds) = (counts.join(", "), run.duration.as_secs_f64());
        println!("soak: run {}: {seconds:.0} s, {counts}", self.runs);
        if self
            .longest
            .as_ref()
            .is_none_or(|(longest, _)| *longest < run.duration)
        {
            self.longest = Some((run.duration, samples.clone()));
        }
    }

    /// Prints the summary.
    pub(super) fn print_summary(&self, counts: &TrafficCounts, changes: usize) {
        let minutes = self.start.elapsed().as_secs_f64() / 60.0;
        println!(
            "soak: {minutes:.1} minutes, {} runs, rows {:?}",
            self.runs, self.rows
        );
        println!(
            "soak: {changes} changes upstream, {} requests, {} tokens, {} responses to SIGUSR1",
            counts.requests, counts.tokens, self.status_responses
        );
        println!("soak: {} faults:", counts.faults.values().sum::<u64>());
        for (fault, times) in &counts.faults {
            println!("soak:   {times:>6} {fault}");
        }
        let (least, most) = self.descriptors;
        println!(
            "soak: at most {} KiB and {} threads, {least} to {most} descriptors",
            self.peak, self.threads
        );
        let Some((duration, samples)) = &self.longest else {
            return;
        };
        let memory = samples.quarters(|sample| sample.memory);
        let descriptors = samples.quarters(|sample| sample.descriptors);
        if let (Some(memory), Some(descriptors)) = (memory, descriptors) {
            println!(
                "soak: the longest run, {:.0} s: {} KiB in its second quarter, {} in its last; \
                 {} descriptors, {}",
                duration.as_secs_f64(),
                memory.0,
                memory.1,
                descriptors.0,
                descriptors.1
            );
        }
    }
}

/// Returns the causes of failed rows with their counts, most frequent first.
pub(super) fn failure_causes(report: &Value) -> Vec<(usize, String)> {
    let mut causes = BTreeMap::<String, usize>::new();
    for row in report["rows"].as_array().into_iter().flatten() {
        if let Some(message) = row["error"]["message"].as_str() {
            *causes.entry(message.to_owned()).or_default() += 1;
        }
    }
    let mut causes: Vec<_> = causes
        .into_iter()
        .map(|(cause, rows)| (rows, cause))
        .collect();
    causes.sort_by(|a, b| b.cmp(a));
    causes
}
