//! The table in `docs/air-gap.md`.

use std::fmt::Write;
use std::{env, fs};

use super::content::{PARTS, Part};
use super::programs::Loaded;
use crate::environment::repository_root;

const START: &str =
    "<!-- The test programs_load_what_the_documentation_says writes this table. -->\n";
const END: &str = "<!-- End of the table. -->\n";

/// A program with a file, and what it loads of each part.
pub(super) struct Row {
    /// The command of the program, and that of `mirror`.
    pub(super) command: (&'static str, &'static str),
    pub(super) loaded: [Loaded; PARTS.len()],
}

/// Compares the table with the results.
pub(super) fn check(rows: &[Row]) {
    let file = repository_root().join("docs/air-gap.md");
    let text = fs::read_to_string(&file).unwrap();
    let (before, rest) = text.split_once(START).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let generated = format!("{before}{START}{}{END}{after}", table(rows));
    if env::var_os("RENEW_READERS").is_some() {
        fs::write(&file, &generated).unwrap();
        return;
    }
    let kept: Vec<&str> = text.lines().collect();
    let changed: Vec<&str> = generated
        .lines()
        .filter(|line| !kept.contains(line))
        .collect();
    assert!(
        text == generated,
        "the table in docs/air-gap.md differs from the results; if they are right, run \
         RENEW_READERS=1 cargo test -p mirror --test e2e readers\n{changed:#?}"
    );
}

fn table(rows: &[Row]) -> String {
    let mut table = "\n| reads | written by `mirror` |".to_owned();
    for part in PARTS {
        let title = match part {
            Part::One => "one platform",
            Part::Several => "several platforms",
            Part::ByDigest => "by digest",
            Part::Signature => "signature",
            Part::Referrer => "SBOM",
        };
        write!(table, " {title} |").unwrap();
    }
    table += "\n| --- | --- |";
    table += &" :-: |".repeat(PARTS.len());
    table.push('\n');
    for row in rows {
        write!(table, "| {} | {} |", row.command.0, row.command.1).unwrap();
        for loaded in row.loaded {
            let sign = match loaded {
                Loaded::Whole => "✓",
                Loaded::Image => "○",
                Loaded::Another => "✗",
                Loaded::Nothing => "–",
                Loaded::Absent => "·",
            };
            write!(table, " {sign} |").unwrap();
        }
        table.push('\n');
    }
    table.push('\n');
    table
}
