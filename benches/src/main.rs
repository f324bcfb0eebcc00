//! Compares `mirror` with other tools on one machine.
//!
//! # The problem
//!
//! Speed is a comparison: with which tools, for which workload, over which network, at which cost. Every
//! tool copies the same images between the same two real registries, in rounds. The [mod@floor] is the lower
//! bound: `curl --parallel` with only the unavoidable requests. Requests and bytes are read from the logs of
//! the registries, not from the output of the tools, and crane verifies the result.
//!
//! ```sh
//! scripts/bench --quick                      # a short comparison
//! scripts/bench                              # all measurements; takes hours with slow tools
//! scripts/bench --work small --state cold --round-trip 30 --tool mirror,regsync --rounds 9
//! scripts/bench --quick --tls                # over TLS and HTTP/2, with redirected blobs
//! scripts/bench --export --rounds 5          # exports to files, and imports from them
//! scripts/bench --scale 2000,20000,100000    # the cost by the length of the list
//! scripts/bench --usage 5000,50000           # the cost of `mirror usage` by the number of pods
//! scripts/bench --signed 15                  # the cost of a policy for signatures
//! ```
//!
//! # Invariants
//!
//! - A round runs each tool once from the same state, in a different order each time. The report has the
//!   median of the ratios within a round, which removes the effect of other load.
//! - Every run starts with a copy of the same files at the destination: none, all, or all except the new rows.
//! - A [relay] for both registries adds the round trip. It delays the handshake and models slow start.
//! - A tool that fails or does not copy all images is reported as failed.

mod chart;
mod corpus;
mod cpu_time;
mod curl_requests;
mod error;
mod export_test;
mod export_tool;
mod floor;
mod job;
mod machine;
mod measure;
mod options;
mod relay;
mod report;
mod request_counts;
mod request_plan;
mod results;
mod rounds;
mod scale_test;
mod signed_test;
mod slow_start;
mod testbed;
mod tls_front;
mod tool;
mod usage_test;
mod verify;
mod workload;

use std::process::ExitCode;

use error::BenchError;
use options::Options;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            if matches!(error, BenchError::Usage(_)) {
                eprintln!("\n{}", options::USAGE);
            }
            ExitCode::from(error.exit_code())
        }
    }
}

async fn run() -> Result<(), BenchError> {
    if std::env::args().any(|argument| argument == "--help") {
        println!("{}", options::USAGE);
        return Ok(());
    }
    let mut options = Options::parse(std::env::args().skip(1))?;
    // Tools run in directories of their own.
    let mirror = std::path::absolute(&options.mirror);
    options.mirror = mirror.map_err(BenchError::io("find mirror"))?;
    if let Some(rounds) = options.signed {
        println!("{}", signed_test::measure(&options.mirror, rounds).await?);
        return Ok(());
    }
    if !options.scale.is_empty() {
        let table = scale_test::measure(&options.scale, &options.mirror, options.into.as_deref());
        println!("{}", table.await?);
        return Ok(());
    }
    if options.export {
        println!("{}", export_test::measure(&options).await?);
        return Ok(());
    }
    if !options.usage.is_empty() {
        let table = usage_test::measure(&options.usage, &options.mirror).await?;
        println!("{table}");
        return Ok(());
    }
    let mut results = match &options.into {
        Some(directory) => results::Results::read(directory)?,
        None => results::Results::default(),
    };
    results.machine = machine::describe();
    for work in &options.works {
        let testbed = testbed::Testbed::start(*work, options.size, options.tls).await?;
        for state in options.states.iter().filter(|state| work.has(**state)) {
            for round_trip in &options.round_trips {
                let cell = rounds::measure(&testbed, *state, *round_trip, &options).await?;
                eprintln!("{}", report::cell(&cell));
                results.insert(cell);
                // After every cell, so that an interrupt does not lose the finished ones.
                if let Some(directory) = &options.into {
                    report::write(&results, directory)?;
                }
            }
        }
    }
    println!("{}", report::markdown(&results));
    Ok(())
}
