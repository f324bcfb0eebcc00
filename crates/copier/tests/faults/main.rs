//! Every kind of request meets every fault: what becomes of the row, and that nothing wrong is at the
//! destination afterwards. `docs/faults.md` keeps the result.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod cell;
mod fault;
mod images;
mod matrix;
mod place;
mod table;
mod walk;
mod wiring;
mod world;
