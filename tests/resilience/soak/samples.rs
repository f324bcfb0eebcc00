//! Samples of memory, descriptors and threads of a process, and the check for growth.

use std::fs;
use std::path::Path;

/// Minimum number of samples (five minutes of a soak) to judge growth: at first memory grows with the
/// rows in progress.
const MIN_SAMPLES: usize = 300;

/// The resources of a process at one time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sample {
    /// Resident memory in KiB.
    pub(super) memory: u64,
    /// Open file descriptors, including sockets.
    pub(super) descriptors: u64,
    pub(super) sockets: u64,
    pub(super) threads: u64,
}

impl Sample {
    /// Returns `None` if the process has exited.
    pub(super) fn take(process: u32) -> Option<Self> {
        let directory = Path::new("/proc").join(process.to_string());
        let status = fs::read_to_string(directory.join("status")).ok()?;
        let field = |name: &str| -> Option<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse().ok()
        };
        let open: Vec<_> = fs::read_dir(directory.join("fd")).ok()?.flatten().collect();
        let is_socket = |path: &Path| path.to_string_lossy().starts_with("socket:");
        let targets = open.iter().filter_map(|fd| fs::read_link(fd.path()).ok());
        Some(Self {
            memory: field("VmRSS:")?,
            descriptors: open.len() as u64,
            sockets: targets.filter(|path| is_socket(path)).count() as u64,
            threads: field("Threads:")?,
        })
    }
}

/// All samples of a process.
#[derive(Clone, Debug, Default)]
pub(super) struct Samples(Vec<Sample>);

/// A resource, and the allowed growth from the second quarter of a run to the last.
struct Resource {
    name: &'static str,
    value: fn(&Sample) -> u64,
    allowed_growth: fn(u64) -> u64,
}

/// By the second quarter every code path has run, every connection is open and the list is in memory.
/// Expected growth is the state of each row and repository (outcomes, tokens, digests) and memory
/// that the allocator keeps: 4 MiB and a tenth. A leak of 1 KiB per failed request exceeds that.
/// Connections come and go with faults, so single samples of descriptors differ; medians do not.
const RESOURCES: [Resource; 4] = [
    Resource {
        name: "memory (KiB)",
        value: |sample| sample.memory,
        allowed_growth: |before| 4 * 1024 + before / 10,
    },
    Resource {
        name: "file descriptors",
        value: |sample| sample.descriptors,
        allowed_growth: |_| 8,
    },
    Resource {
        name: "sockets",
        value: |sample| sample.sockets,
        allowed_growth: |_| 8,
    },
    Resource {
        name: "threads",
        value: |sample| sample.threads,
        allowed_growth: |_| 4,
    },
];

impl Samples {
    pub(super) fn push(&mut self, sample: Sample) {
        self.0.push(sample);
    }

    pub(super) fn last(&self) -> Sample {
        self.0.last().copied().unwrap_or_default()
    }

    /// Returns the minimum and the maximum of a value.
    pub(super) fn range(&self, value: fn(&Sample) -> u64) -> (u64, u64) {
        let all = || self.0.iter().map(value);
        (all().min().unwrap_or(0), all().max().unwrap_or(0))
    }

    /// Describes each resource that grew too much, with its medians.
    pub(super) fn growth(&self) -> Vec<String> {
        let mut growth = Vec::new();
        for Resource {
            name,
            value,
            allowed_growth,
        } in RESOURCES
        {
            let Some((before, after)) = self.quarters(value) else {
                continue;
            };
            if after > before + allowed_growth(before) {
                growth.push(format!(
                    "{name}: {before} in the second quarter, {after} in the last"
                ));
            }
        }
        growth
    }

    /// Returns the medians of the second and the last quarter, `None` for a short run.
    pub(super) fn quarters(&self, value: fn(&Sample) -> u64) -> Option<(u64, u64)> {
        let quarter = self.0.len() / 4;
        let median = |samples: &[Sample]| {
            let mut values: Vec<_> = samples.iter().map(value).collect();
            values.sort_unstable();
            values[values.len() / 2]
        };
        (self.0.len() >= MIN_SAMPLES).then(|| {
            let second = median(&self.0[quarter..2 * quarter]);
            (second, median(&self.0[3 * quarter..]))
        })
    }
}

#[test]
fn growth_is_reported_and_fluctuation_is_not() {
    let samples = |of: fn(u64) -> Sample| Samples((0..400).map(of).collect());
    let fluctuating = samples(|n| Sample {
        memory: 20_000 + n % 7 * 1_000,
        descriptors: 12 + n % 20,
        sockets: 8 + n % 20,
        threads: 4,
    });
    assert_eq!(fluctuating.growth(), [""; 0]);
    let leaking = samples(|n| Sample {
        memory: 20_000 + n * 40,
        descriptors: 12 + n / 20,
        ..Sample::default()
    });
    let expected = [
        "memory (KiB): 26000 in the second quarter, 34000 in the last",
        "file descriptors: 19 in the second quarter, 29 in the last",
    ];
    assert_eq!(leaking.growth(), expected);
    let early = samples(|n| Sample {
        memory: 20_000 + n.min(100) * 400,
        ..Sample::default()
    });
    assert_eq!(
        early.growth(),
        [""; 0],
        "growth in the first quarter is no leak"
    );
}
