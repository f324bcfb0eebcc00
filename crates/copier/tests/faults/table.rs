//! The page `docs/faults.md`.

use std::fmt::Write;
use std::path::Path;
use std::{env, fs};

use super::cell::{BOUND, Cell, CellResult, Verdict};
use super::column::{COLUMNS, Column, Side};
use super::fault::{FAULTS, Times};
use super::run::retry_policy;

const HEAD: &str = "\
# Faults of registries and networks

Every kind of request of a run gets every fault, once and permanently, on its way to a real registry.
`cargo test -p copier --test faults` runs the matrix and compares the results with this page.

In each cell, the first sign is for a fault of one request, the second for a permanent fault:

- `✓` the image and its referrers are copied;
- `✗` the row fails, and its message names the cause;
- `!` the image is copied, and a warning of the row names what may be missing;
- `○` the image is copied without its signature and without a warning: only if the host has listed nothing
  to the run, which is then no sign of a problem (here all hosts list);
- `·` the fault does not exist: neither the request nor its response has a body.

Each cell also checks that

- the other row of the run, at the same hosts, is copied, unless the whole host is down or requests a longer
  pause than a run makes;
- every visible tag of the destination is complete: it has all manifests and blobs, with their digests;
- the next run, without the fault, copies what a permanent fault has prevented;
- no credentials are sent to another host, and the report contains none.

A second matrix injects the faults at one of three destinations with the same source image, or at their
source: the other destinations get the image, and no destination gets wrong content.
";

const FOOT: &str = "\
A refused request (401 to 416) is not retried, because retries use up quotas. Broken connections, 408, 429,
5xx and timeouts are retried. Content with a wrong digest fails the row without a retry, with one exception:
if the destination reports that a manifest arrived damaged, it is sent again at once, up to three times in
all, because a damaged manifest under a tag is visible. A token that is refused on its first use is not
requested again; a token that was accepted before is.

The manifests of the destination are read twice: to find blobs to mount, which may fail, and to find the
referrers of an image. A single fault affects the first read.

After a refusal, the token server gets no requests for ten seconds. A redirect of the token server is not
followed, because credentials are for the realm that the registry has named.

To update this page, run `RENEW_FAULTS=1 cargo test -p copier --test faults`. A cell that changes for the
worse is a defect, whatever the page contains.
";

/// Compares the page with the results.
pub fn check(cells: &[Cell], results: &[CellResult]) {
    let generated = page(cells, results);
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
        "docs/faults.md differs from the results in these lines; if they are right, \
         run RENEW_FAULTS=1 cargo test -p copier --test faults\n{changed:#?}"
    );
}

fn page(cells: &[Cell], results: &[CellResult]) -> String {
    let mut page = String::from(HEAD);
    for (side, title) in [
        (Side::Source, "At the source"),
        (Side::Destination, "At the destination"),
    ] {
        let columns: Vec<_> = COLUMNS
            .iter()
            .filter(|column| column.side == side)
            .collect();
        page += &table(title, &columns, cells, results);
    }
    page += &counts(results);
    page + FOOT
}

fn table(title: &str, columns: &[&Column], cells: &[Cell], results: &[CellResult]) -> String {
    let mut table = format!("\n## {title}\n\n| fault |");
    for column in columns {
        write!(table, " {} |", column.name).unwrap();
    }
    table += "\n| --- |";
    table += &" :-: |".repeat(columns.len());
    table.push('\n');
    for fault in FAULTS {
        write!(table, "| {} |", fault.name()).unwrap();
        for column in columns {
            let sign = |times| {
                let found = cells.iter().zip(results).find(|(cell, _)| {
                    (cell.fault, cell.times) == (fault, times)
                        && (cell.column.name, cell.column.side) == (column.name, column.side)
                });
                found.map_or("?", |(_, results)| results.verdict.sign())
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

fn counts(results: &[CellResult]) -> String {
    let count = |verdict| {
        results
            .iter()
            .filter(|each| each.verdict == verdict)
            .count()
    };
    let tried = results.len() - count(Verdict::Impossible);
    format!(
        "\n## Counts\n\n| | |\n| --- | --: |\n| faults | {tried} |\n| recovered | {} |\n\
         | copied, with a warning | {} |\n| copied without referrers and without a warning | {} |\n\
         | failed with the cause | {} |\n| wrong results | 0 |\n\
         | bound of a run, {} tries of 0.7 s | {} s |\n\n\
         With the default timeouts, a peer that stalls permanently fails its row within four minutes.\n\n",
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
