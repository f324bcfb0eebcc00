//! What a soak was, in numbers: a line each minute, and all of it at the end.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::asking::Asking;
use super::faults::Counted;
use super::samples::Samples;
use super::watch::Ended;

const LINE: Duration = Duration::from_secs(60);

/// The sums.
pub(super) struct Figures {
    began: Instant,
    line: Instant,
    runs: usize,
    answers: usize,
    /// Of the reports: rows by what became of them.
    rows: BTreeMap<&'static str, u64>,
    longest: Option<(Duration, Samples)>,
    peak: u64,
    descriptors: (u64, u64),
    threads: u64,
}

impl Figures {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self {
            began: now,
            line: now,
            runs: 0,
            answers: 0,
            rows: BTreeMap::new(),
            longest: None,
            peak: 0,
            descriptors: (u64::MAX, 0),
            threads: 0,
        }
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Each minute: where the run is.
    pub(super) fn go_on(&mut self, asking: &Asking, samples: &Samples, counted: &Counted) {
        if self.line.elapsed() < LINE {
            return;
        }
        self.line += LINE;
        let now = samples.last();
        println!(
            "soak: minute {}: run {}: {} | {} requests, {} faults, {} tokens | \
             {} KiB, {} descriptors ({} sockets), {} threads",
            self.began.elapsed().as_secs() / 60,
            self.runs + 1,
            asking.told,
            counted.requests,
            counted.faults.values().sum::<u64>(),
            counted.tokens,
            now.memory,
            now.descriptors,
            now.sockets,
            now.threads,
        );
    }

    /// A run has ended.
    pub(super) fn ended(&mut self, ended: &Ended, asking: &Asking) {
        self.runs += 1;
        self.answers += asking.answers;
        let samples = &ended.samples;
        self.peak = self.peak.max(samples.range(|sample| sample.memory).1);
        let (least, most) = samples.range(|sample| sample.descriptors);
        self.descriptors = (self.descriptors.0.min(least), self.descriptors.1.max(most));
        self.threads = self.threads.max(samples.range(|sample| sample.threads).1);
        let summary = &ended.report["summary"];
        let mut line = Vec::new();
        for status in ["copied", "unchanged", "failed"] {
            if let Some(rows) = summary[status].as_u64() {
                *self.rows.entry(status).or_default() += rows;
                line.push(format!("{rows} {status}"));
            }
        }
        let (line, seconds) = (line.join(", "), ended.duration.as_secs_f64());
        println!("soak: run {}: {seconds:.0} s, {line}", self.runs);
        if self
            .longest
            .as_ref()
            .is_none_or(|(longest, _)| *longest < ended.duration)
        {
            self.longest = Some((ended.duration, samples.clone()));
        }
    }

    /// The end.
    pub(super) fn print(&self, counted: &Counted, changes: usize) {
        let minutes = self.began.elapsed().as_secs_f64() / 60.0;
        println!(
            "soak: {minutes:.1} minutes, {} runs, rows {:?}",
            self.runs, self.rows
        );
        println!(
            "soak: {changes} changes upstream, {} requests, {} tokens, {} answers to SIGUSR1",
            counted.requests, counted.tokens, self.answers
        );
        println!("soak: {} faults:", counted.faults.values().sum::<u64>());
        for (fault, times) in &counted.faults {
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

/// Why rows failed, the most frequent reasons first; for whoever looks for a pattern.
pub(super) fn reasons(report: &Value) -> Vec<(usize, String)> {
    let mut reasons = BTreeMap::<String, usize>::new();
    for row in report["rows"].as_array().into_iter().flatten() {
        if let Some(message) = row["error"]["message"].as_str() {
            *reasons.entry(message.to_owned()).or_default() += 1;
        }
    }
    let mut reasons: Vec<_> = reasons.into_iter().map(|(why, rows)| (rows, why)).collect();
    reasons.sort_by(|a, b| b.cmp(a));
    reasons
}
