//! Runs of the whole engine against hostile servers.
//!
//! The bytes of an input determine everything: rows, options, the contents of three registries, and the ways
//! in which these and a fourth host deviate from the specification. The servers record each request as it arrives at
//! their sockets. A judge that shares no code with the client checks the record:
//!
//! - each write is one that the rows allow;
//! - no password or token of a host arrives at another, or is in the report;
//! - the run ends within its budget, without a panic; all times are a hundredth of the real ones;
//! - the process, with its servers, stays below 128 MiB.
//!
//! `scripts/fuzz SECONDS whole_run` runs random inputs. It saves a simple input for each finding, which
//! `MIRROR_FUZZ_INPUT=FILE cargo test -p copier --test whole_run -- --ignored one_input` repeats.
#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

mod behavior;
mod choices;
mod contents;
mod documents;
mod fuzzer;
mod hosts;
mod judge;
mod record;
mod run;
mod script;
mod sending;
mod server;
mod words;

use std::collections::HashSet;
use std::time::Duration;

use peak_alloc::PeakAlloc;
use testkit::replay_corpus;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Returns a number from the environment.
fn number(variable: &str, default: u64) -> u64 {
    let value = std::env::var(variable).ok();
    value.map_or(default, |value| value.parse().unwrap())
}

fn check(input: &[u8]) {
    let (result, peak) = fuzzer::run_alone(input);
    eprintln!(
        "{} requests in {:?}, {} KiB",
        result.requests,
        result.took,
        peak / 1024
    );
    assert!(result.findings.is_empty(), "{:#?}", result.findings);
}

#[test]
fn found_inputs_keep_every_rule() {
    replay_corpus("whole_run", check);
}

#[test]
#[ignore = "takes MIRROR_FUZZ_SECONDS (default: 60); run by scripts/fuzz"]
fn random_inputs_keep_every_rule() {
    let seconds = number("MIRROR_FUZZ_SECONDS", 60);
    let seed = number("MIRROR_FUZZ_SEED", 1);
    let totals = fuzzer::campaign(seed, Duration::from_secs(seconds));
    eprintln!("{totals:#?}");
    let mut rules = HashSet::new();
    for (seed, finding) in &totals.found {
        if rules.insert(finding.rule) {
            let simple = fuzzer::simplify(&fuzzer::input(*seed), finding.rule);
            let file = fuzzer::save(&simple, *seed);
            eprintln!(
                "{}: MIRROR_FUZZ_INPUT={} cargo test -p copier --test whole_run -- --ignored one_input",
                finding.rule,
                file.display()
            );
        }
    }
    assert!(totals.found.is_empty(), "{:#?}", totals.found);
}

#[test]
#[ignore = "repeats the input in MIRROR_FUZZ_INPUT"]
fn one_input() {
    let file = std::env::var("MIRROR_FUZZ_INPUT").unwrap();
    let input = std::fs::read(file).unwrap();
    eprintln!("{}", fuzzer::run_alone(&input).0.description);
    check(&input);
}
