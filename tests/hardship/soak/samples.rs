//! What a process has, looked at again and again, and whether it grows.

use std::fs;
use std::path::Path;

/// A run with fewer samples, five minutes of a soak, says nothing about growth:
/// what it needs for its rows comes as they come.
const ENOUGH: usize = 300;

/// A moment of a process.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sample {
    /// The resident set, in KiB.
    pub(super) memory: u64,
    /// Open file descriptors, sockets among them.
    pub(super) descriptors: u64,
    pub(super) sockets: u64,
    pub(super) threads: u64,
}

impl Sample {
    /// `None` when the process has ended.
    pub(super) fn of(process: u32) -> Option<Self> {
        let folder = Path::new("/proc").join(process.to_string());
        let status = fs::read_to_string(folder.join("status")).ok()?;
        let field = |name: &str| -> Option<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse().ok()
        };
        let open: Vec<_> = fs::read_dir(folder.join("fd")).ok()?.flatten().collect();
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

/// All moments of a process.
#[derive(Clone, Debug, Default)]
pub(super) struct Samples(Vec<Sample>);

/// Something that is counted, and how much more of it the last quarter of a run
/// may have than the second one.
struct Watched {
    name: &'static str,
    of: fn(&Sample) -> u64,
    may_grow: fn(u64) -> u64,
}

/// By the second quarter every code path was taken, every connection is open and
/// the list is in memory. What still grows in order is what is kept of each row
/// and repository (outcomes, tokens, digests: some KiB), and what the allocator
/// keeps of the largest answers: 4 MiB and a tenth. 1 KiB for each request that
/// was lost would be more. Connections come and go with faults, so that
/// descriptors differ by some at any two moments, but the median does not.
const WATCHED: [Watched; 4] = [
    Watched {
        name: "memory (KiB)",
        of: |sample| sample.memory,
        may_grow: |before| 4 * 1024 + before / 10,
    },
    Watched {
        name: "file descriptors",
        of: |sample| sample.descriptors,
        may_grow: |_| 8,
    },
    Watched {
        name: "sockets",
        of: |sample| sample.sockets,
        may_grow: |_| 8,
    },
    Watched {
        name: "threads",
        of: |sample| sample.threads,
        may_grow: |_| 4,
    },
];

impl Samples {
    pub(super) fn push(&mut self, sample: Sample) {
        self.0.push(sample);
    }

    pub(super) fn last(&self) -> Sample {
        self.0.last().copied().unwrap_or_default()
    }

    /// The least and the most of something.
    pub(super) fn range(&self, of: fn(&Sample) -> u64) -> (u64, u64) {
        let all = || self.0.iter().map(of);
        (all().min().unwrap_or(0), all().max().unwrap_or(0))
    }

    /// What grew, with the medians of the second and of the last quarter.
    pub(super) fn grown(&self) -> Vec<String> {
        let mut grown = Vec::new();
        for Watched { name, of, may_grow } in WATCHED {
            let Some((before, after)) = self.quarters(of) else {
                continue;
            };
            if after > before + may_grow(before) {
                grown.push(format!(
                    "{name}: {before} in the second quarter, {after} in the last"
                ));
            }
        }
        grown
    }

    /// The medians of the second and of the last quarter; `None` of a short run.
    pub(super) fn quarters(&self, of: fn(&Sample) -> u64) -> Option<(u64, u64)> {
        let quarter = self.0.len() / 4;
        let median = |samples: &[Sample]| {
            let mut values: Vec<_> = samples.iter().map(of).collect();
            values.sort_unstable();
            values[values.len() / 2]
        };
        (self.0.len() >= ENOUGH).then(|| {
            let second = median(&self.0[quarter..2 * quarter]);
            (second, median(&self.0[3 * quarter..]))
        })
    }
}

#[test]
fn what_grows_is_told_and_what_swings_is_not() {
    let samples = |of: fn(u64) -> Sample| Samples((0..400).map(of).collect());
    let swinging = samples(|n| Sample {
        memory: 20_000 + n % 7 * 1_000,
        descriptors: 12 + n % 20,
        sockets: 8 + n % 20,
        threads: 4,
    });
    assert_eq!(swinging.grown(), [""; 0]);
    let leaking = samples(|n| Sample {
        memory: 20_000 + n * 40,
        descriptors: 12 + n / 20,
        ..Sample::default()
    });
    let expected = [
        "memory (KiB): 26000 in the second quarter, 34000 in the last",
        "file descriptors: 19 in the second quarter, 29 in the last",
    ];
    assert_eq!(leaking.grown(), expected);
    let early = samples(|n| Sample {
        memory: 20_000 + n.min(100) * 400,
        ..Sample::default()
    });
    assert_eq!(early.grown(), [""; 0], "a beginning is no leak");
}
