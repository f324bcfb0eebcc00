//! The Helm sources with the real helm program.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "functions of the tests fail like tests"
)]

mod bench;
mod directory;
mod process;
mod registry;
mod repository;
mod versions;
