//! The matrix as `docs/faults.md` shows it.

use std::fmt::Write;
use std::path::Path;
use std::{env, fs};

use super::cell::{BOUND, Cell, Judged, Verdict};
use super::fault::{FAULTS, Times};
use super::place::{PLACES, Place, Side};
use super::wiring::retry_policy;

const HEAD: &str = "\
# What faults do to a run

Every kind of request that a run makes meets every fault, once and for good, on its way to a real
registry. This file is what came of it: `cargo test -p copier --test faults` runs the matrix and compares.

In each cell the first sign is for a fault that strikes once, the second for one that strikes always:

- `✓` the row is copied, with everything that belongs to it;
- `✗` the row fails, and its message names the cause;
- `!` the image is copied, and a warning of the row says what may be missing;
- `○` the image is copied without its signature, and nothing is said of it: only a host that has listed
  nothing to this run is believed that it has no list (here all have);
- `·` there is no such fault: the request or its answer has no body that could break.

In every cell it was checked that

- the other row of the run, at the same hosts, is copied (but where the whole host is gone or asks for a
  pause longer than a run makes);
- every tag that is visible at the destination afterwards is whole: all manifests and blobs are there, and
  their digests are right;
- what a fault that strikes always left is set right by the next run without it;
- no credentials went to a host that they are not for, and none is in the report.
";

const FOOT: &str = "\
A refusal (401 to 416) of one request is believed at once, whatever may follow: asking again what was
refused spends quotas. What is known to pass (connections that break, 408, 429, 5xx, silence) is tried
again. A digest that is wrong fails the row at the first sight of it; but where the destination says that a
manifest did not arrive as it was sent, it is sent again at once, three times in all: under a tag, what
arrived is visible. A token that is refused the moment it was given is not asked for again; one that was
good before is.

The destination's manifests are read twice: to find blobs that can be mounted, which may fail, and to find
what is attached to an image; one fault meets the first.

The token server is asked for nothing once it has refused, for ten seconds. A redirect of the token server
is not followed: credentials are for the realm that the registry named.

To renew this file: `RENEW_FAULTS=1 cargo test -p copier --test faults`. A cell that changes for the worse is
a defect, whatever the file says.
";

/// Compares, and says how to renew.
pub fn check(cells: &[Cell], judged: &[Judged]) {
    let generated = page(cells, judged);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/faults.md");
    if env::var_os("RENEW_FAULTS").is_some() {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, &generated).unwrap();
    }
    let kept = fs::read_to_string(&file).unwrap_or_default();
    let changed: Vec<_> = generated
        .lines()
        .filter(|line| !kept.lines().any(|known| known == *line))
        .collect();
    assert!(
        kept == generated,
        "docs/faults.md is not what the matrix shows; look at these lines of it, and if they are right, \
         renew it: RENEW_FAULTS=1 cargo test -p copier --test faults\n{changed:#?}"
    );
}

fn page(cells: &[Cell], judged: &[Judged]) -> String {
    let mut page = String::from(HEAD);
    for (side, title) in [
        (Side::Source, "At the source"),
        (Side::Destination, "At the destination"),
    ] {
        let places: Vec<_> = PLACES.iter().filter(|place| place.side == side).collect();
        page += &table(title, &places, cells, judged);
    }
    page += &counts(judged);
    page + FOOT
}

fn table(title: &str, places: &[&Place], cells: &[Cell], judged: &[Judged]) -> String {
    let mut table = format!("\n## {title}\n\n| fault |");
    for place in places {
        write!(table, " {} |", place.name).unwrap();
    }
    table += "\n| --- |";
    table += &" :-: |".repeat(places.len());
    table.push('\n');
    for fault in FAULTS {
        write!(table, "| {} |", fault.name()).unwrap();
        for place in places {
            let sign = |times| {
                let found = cells.iter().zip(judged).find(|(cell, _)| {
                    (cell.fault, cell.times) == (fault, times)
                        && (cell.place.name, cell.place.side) == (place.name, place.side)
                });
                found.map_or("?", |(_, judged)| judged.verdict.sign())
            };
            match (sign(Times::Once), sign(Times::Always)) {
                ("·", _) => table += " · |",
                (once, always) => write!(table, " {once} {always} |").unwrap(),
            }
        }
        table.push('\n');
    }
    table
}

fn counts(judged: &[Judged]) -> String {
    let count = |verdict| judged.iter().filter(|each| each.verdict == verdict).count();
    let tried = judged.len() - count(Verdict::Impossible);
    format!(
        "\n## Counts\n\n| | |\n| --- | --: |\n| faults tried | {tried} |\n| recovered | {} |\n\
         | copied, with a warning | {} |\n| copied without what is said not to be there | {} |\n\
         | failed cleanly | {} |\n| wrong results | 0 |\n\
         | bound of a run, {} tries of 0.7 s | {} s |\n\n\
         With the patience of a real run, a peer that stalls for good fails its row within four minutes.\n\n",
        count(Verdict::Recovered),
        count(Verdict::Warned),
        count(Verdict::Without),
        count(Verdict::Failed),
        retry_policy().max_attempts,
        BOUND.as_secs(),
    )
}

impl Verdict {
    fn sign(self) -> &'static str {
        match self {
            Self::Recovered => "✓",
            Self::Warned => "!",
            Self::Without => "○",
            Self::Failed => "✗",
            Self::Impossible => "·",
        }
    }
}
