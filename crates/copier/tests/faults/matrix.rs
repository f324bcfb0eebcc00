//! All cells, compared with the table in the documentation.
//!
//! Takes more than 10 s: 1,520 cells copy an image each, and most of them wait for retries and time limits.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use futures::StreamExt;
use registry_client::Client;
use testkit::proxy::RequestKind;
use tokio::runtime::{Builder, Runtime};

use super::cell::{Cell, CellResult, LONG_SILENCE};
use super::column::COLUMNS;
use super::fault::{FAULTS, Times};
use super::registries::Registries;
use super::run::{client, timeouts};
use super::table;

/// Number of threads. Most cells wait most of the time.
const THREADS: usize = 3;
/// Number of concurrent cells of each thread.
const CONCURRENT_CELLS: usize = 12;

fn cells() -> Vec<Cell> {
    let mut cells = Vec::new();
    for fault in FAULTS {
        for column in COLUMNS {
            for times in [Times::Once, Times::Always] {
                let number = cells.len();
                cells.push(Cell {
                    number,
                    column,
                    fault,
                    times,
                });
            }
        }
    }
    cells
}

/// Runs all cells concurrently, each with its number as the first part of its result, and returns the
/// results in the order of the cells. The client of `run` sends its requests without a proxy.
pub fn run_concurrently<C: Sync, R: Send>(
    cells: &[C],
    run: impl AsyncFn(&C, &Client) -> (usize, R) + Sync,
) -> Vec<R> {
    let (next, results) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        let each = std::iter::from_fn(|| cells.get(next.fetch_add(1, Ordering::Relaxed)));
        let directory = tempfile::tempdir().unwrap();
        let direct_client = client(timeouts(LONG_SILENCE), directory.path(), &[]);
        let runs = futures::stream::iter(each)
            .map(|cell| Box::pin(run(cell, &direct_client)))
            .buffer_unordered(CONCURRENT_CELLS);
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let mut done = runtime.block_on(runs.collect::<Vec<_>>());
        let mut results = results.lock().unwrap();
        results.append(&mut done);
    };
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(work);
        }
    });
    let mut results = results.into_inner().unwrap();
    results.sort_by_key(|(number, _)| *number);
    results.into_iter().map(|(_, result)| result).collect()
}

#[test]
fn every_fault_is_recovered_or_reported() {
    let runtime = Runtime::new().unwrap();
    let registries = runtime.block_on(Registries::new());
    let cells = cells();
    let results = run_concurrently(&cells, async |cell: &Cell, direct_client: &Client| {
        (cell.number, cell.run(&registries, direct_client).await)
    });
    for (cell, result) in cells.iter().zip(&results) {
        if let Ok(result) = result {
            println!("{cell}: {result}");
        }
    }
    let problems: Vec<&String> = results.iter().filter_map(|r| r.as_ref().err()).collect();
    let (wrong, all) = (problems.len(), cells.len());
    assert!(problems.is_empty(), "{wrong} of {all}:\n{problems:#?}");
    let result: Vec<CellResult> = results.into_iter().flatten().collect();
    let longest = result.iter().map(|result| result.took).max();
    println!("the longest run took {:?}", longest.unwrap_or_default());
    table::check(&cells, &result);
}

#[test]
fn every_request_kind_has_a_column() {
    let columns: BTreeSet<_> = COLUMNS.iter().map(|column| column.kind).collect();
    assert_eq!(columns, BTreeSet::from(RequestKind::ALL));
}
