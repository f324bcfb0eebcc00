//! Runs of random inputs, and the search for a simple input of each finding.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::ALLOCATOR;
use super::judge::Finding;
use super::run::{PendingRun, RunResult, start};

/// Maximum memory of concurrent runs with their servers, in bytes.
const MEMORY: usize = 128 * 1024 * 1024;
/// Maximum number of concurrent runs. They spend most of their time waiting.
const CONCURRENT: u64 = 6;
/// Maximum time of the search for a simpler input.
const SIMPLIFICATION: Duration = Duration::from_secs(60);

/// The figures of a campaign.
#[derive(Debug, Default)]
pub struct Totals {
    pub runs: u64,
    pub requests: usize,
    /// Rows that were copied or unchanged.
    pub good_rows: usize,
    pub failed_rows: usize,
    /// The longest run and its seed.
    pub longest: (Duration, u64),
    /// The highest memory of runs at the same time in bytes, and the first of their seeds.
    pub peak: (usize, u64),
    /// The seeds with findings.
    pub found: Vec<(u64, Finding)>,
}

/// Returns the input of a seed.
pub fn input(seed: u64) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut input = vec![0; random.usize(16..1024)];
    random.fill(&mut input);
    input
}

/// Runs an input alone, with its memory.
pub fn run_alone(input: &[u8]) -> (RunResult, usize) {
    ALLOCATOR.reset_peak_usage();
    let mut result = start(input.to_vec()).wait();
    let peak = ALLOCATOR.peak_usage();
    if peak > MEMORY {
        result.findings.push(memory_finding(peak));
    }
    (result, peak)
}

fn memory_finding(peak: usize) -> Finding {
    Finding::new("memory beyond the limit", format!("{} KiB", peak / 1024))
}

/// Runs the inputs of one seed after the other until the time is over.
pub fn campaign(first_seed: u64, time: Duration) -> Totals {
    let (started, mut totals) = (Instant::now(), Totals::default());
    let mut seed = first_seed;
    while started.elapsed() < time {
        ALLOCATOR.reset_peak_usage();
        let seeds: Vec<u64> = (seed..seed + CONCURRENT).collect();
        let runs: Vec<_> = seeds.iter().map(|seed| start(input(*seed))).collect();
        let results: Vec<_> = runs.into_iter().map(PendingRun::wait).collect();
        let peak = ALLOCATOR.peak_usage();
        totals.peak = totals.peak.max((peak, seed));
        for (seed, result) in seeds.iter().zip(results) {
            totals.runs += 1;
            totals.requests += result.requests;
            totals.good_rows += result.summary.copied + result.summary.unchanged;
            totals.failed_rows += result.summary.failed;
            totals.longest = totals.longest.max((result.took, *seed));
            let findings = result.findings.into_iter().map(|finding| (*seed, finding));
            totals
                .found
                .extend(findings.inspect(|found| eprintln!("{found:?}")));
        }
        if peak > MEMORY {
            // Together, the runs may exceed the maximum although each alone does not.
            let alone = seeds.iter().map(|seed| (*seed, run_alone(&input(*seed)).1));
            let above = alone.filter(|(_, peak)| *peak > MEMORY);
            totals
                .found
                .extend(above.map(|(seed, peak)| (seed, memory_finding(peak))));
        }
        seed += CONCURRENT;
    }
    totals
}

/// Returns a simpler input that breaks the same rule: shorter, and with more zeros.
pub fn simplify(input: &[u8], rule: &str) -> Vec<u8> {
    let started = Instant::now();
    let breaks = |input: &[u8]| {
        let findings = run_alone(input).0.findings;
        started.elapsed() < SIMPLIFICATION && findings.iter().any(|finding| finding.rule == rule)
    };
    let mut simplest = input.to_vec();
    let mut size = input.len() / 2;
    while size > 0 {
        if breaks(&simplest[..simplest.len() - size.min(simplest.len())]) {
            simplest.truncate(simplest.len() - size);
            continue;
        }
        for start in (0..simplest.len()).step_by(size) {
            let mut candidate = simplest.clone();
            let end = candidate.len().min(start + size);
            candidate[start..end].fill(0);
            if candidate != simplest && breaks(&candidate) {
                simplest = candidate;
            }
        }
        size /= 2;
    }
    simplest
}

/// Writes the input of a finding below `fuzz/artifacts`, and returns the file.
pub fn save(input: &[u8], seed: u64) -> PathBuf {
    let directory = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../fuzz/artifacts/whole_run"
    );
    fs::create_dir_all(directory).unwrap();
    let file = PathBuf::from(directory).join(format!("seed-{seed}"));
    fs::write(&file, input).unwrap();
    file
}
