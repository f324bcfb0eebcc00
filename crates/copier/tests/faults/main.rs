//! Every fault at every kind of request: the outcome of the row, and the state of the destination
//! afterwards. `docs/faults.md` has the results.
#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

mod cell;
mod column;
mod fan_out;
mod fault;
mod images;
mod matrix;
mod registries;
mod run;
mod table;
mod visible_tags;
