//! All cells, and the table in the documentation.
//!
//! Takes more than 10 s: 1,216 cells copy an image each, and most of them wait for retries and time limits.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use futures::StreamExt;
use testkit::proxy::RequestKind;
use tokio::runtime::{Builder, Runtime};

use super::cell::{Cell, Judged};
use super::fault::{FAULTS, Times};
use super::place::PLACES;
use super::table;
use super::wiring::{client, timeouts};
use super::world::World;

/// Threads, and cells that each of them has under way. Most cells wait most of the time.
const THREADS: usize = 3;
const AT_ONCE: usize = 12;

/// What came of a cell: the verdict, or what must not happen.
pub type Result = std::result::Result<Judged, String>;

fn cells() -> Vec<Cell> {
    let mut cells = Vec::new();
    for fault in FAULTS {
        for place in PLACES {
            for times in [Times::Once, Times::Always] {
                let number = cells.len();
                cells.push(Cell {
                    number,
                    place,
                    fault,
                    times,
                });
            }
        }
    }
    cells
}

/// Runs all cells, in any order; the results are in the order of the cells.
fn run(cells: &[Cell], world: &World) -> Vec<Result> {
    let (next, results) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        let each = std::iter::from_fn(|| cells.get(next.fetch_add(1, Ordering::Relaxed)));
        let folder = tempfile::tempdir().unwrap();
        let healer = client(timeouts(false), folder.path(), &[]);
        let runs = futures::stream::iter(each)
            .map(|cell| async { (cell.number, Box::pin(cell.run(world, &healer)).await) })
            .buffer_unordered(AT_ONCE);
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let mut done = runtime.block_on(runs.collect::<Vec<_>>());
        let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
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
fn every_fault_at_every_request_ends_well_or_cleanly() {
    let runtime = Runtime::new().unwrap();
    let world = runtime.block_on(World::new());
    let cells = cells();
    let results = run(&cells, &world);
    for (cell, result) in cells.iter().zip(&results) {
        if let Ok(judged) = result {
            println!("{cell}: {judged}");
        }
    }
    let problems: Vec<&String> = results.iter().filter_map(|r| r.as_ref().err()).collect();
    let (wrong, all) = (problems.len(), cells.len());
    assert!(problems.is_empty(), "{wrong} of {all}:\n{problems:#?}");
    let judged: Vec<Judged> = results.into_iter().flatten().collect();
    let longest = judged.iter().map(|judged| judged.took).max();
    println!("the longest run took {:?}", longest.unwrap_or_default());
    table::check(&cells, &judged);
}

#[test]
fn every_kind_of_request_has_a_column() {
    let places: BTreeSet<_> = PLACES.iter().map(|place| place.kind).collect();
    assert_eq!(places, BTreeSet::from(RequestKind::ALL));
}
