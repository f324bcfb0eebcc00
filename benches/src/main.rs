//! Measures `mirror` beside the tools that people use instead, on this machine alone.
//!
//! # The problem
//!
//! "Fast" says nothing without beside what, doing what, over which network, and what it cost. So
//! every tool gets the same work between the same two real registries, one after the other in
//! rounds, and beside them runs the [mod@floor]: `curl --parallel` with exactly the requests
//! that nobody can do without. What the tools say of themselves counts for nothing: requests and
//! bytes are read from the registries' logs, and crane says whether everything arrived.
//!
//! ```sh
//! scripts/bench --quick                      # the short form: is mirror near the floor here?
//! scripts/bench                              # everything; hours with slow peers
//! scripts/bench --work small --state cold --round-trip 30 --tool mirror,regsync --rounds 9
//! scripts/bench --scale 2000,20000,100000    # how the cost of a run grows with the list
//! ```
//!
//! # Invariants
//!
//! - A round runs each tool once, from the same state; the order is another in each round. Ratios
//!   are taken within a round and their median is reported, so that what else the machine does
//!   falls out.
//! - A destination begins each run as a copy of the same files: empty, everything there, or
//!   everything but the new rows.
//! - A round trip is added by a [relay] in front of both registries, which charges the
//!   handshake and lets a connection grow its window as TCP does.
//! - A tool that fails or leaves something out is reported as failed, never as fast.

mod chart;
mod corpus;
mod failure;
mod floor;
mod floor_plan;
mod floor_stages;
mod job;
mod machine;
mod measure;
mod median;
mod options;
mod peers;
mod processors;
mod relay;
mod requests;
mod results;
mod rounds;
mod scale;
mod slow_start;
mod stage;
mod table;
mod verify;
mod work;

use std::process::ExitCode;

use failure::Failure;
use options::Options;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("bench: {failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}

async fn run() -> Result<(), Failure> {
    if std::env::args().any(|argument| argument == "--help") {
        println!("{}", options::USAGE);
        return Ok(());
    }
    let options = Options::parse(std::env::args().skip(1))?;
    if !options.scale.is_empty() {
        let table = scale::measure(&options.scale, &options.mirror, options.into.as_deref());
        println!("{}", table.await?);
        return Ok(());
    }
    let mut results = match &options.into {
        Some(folder) => results::Results::read(folder)?,
        None => results::Results::default(),
    };
    results.machine = machine::describe();
    for work in &options.works {
        let stage = stage::Stage::set(*work, options.size).await?;
        for state in options.states.iter().filter(|state| work.has(**state)) {
            for round_trip in &options.round_trips {
                let cell = rounds::measure(&stage, *state, *round_trip, &options).await?;
                eprintln!("{}", table::cell(&cell));
                results.put(cell);
                // After every cell: what was measured stays when the next one is interrupted.
                if let Some(folder) = &options.into {
                    results.write(folder)?;
                }
            }
        }
    }
    println!("{}", table::table(&results));
    Ok(())
}
