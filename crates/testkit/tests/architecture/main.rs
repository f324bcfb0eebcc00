//! Allowed dependencies: between the crates of the workspace, and between the modules of a crate.
#![expect(clippy::unwrap_used, reason = "functions of the tests fail like tests")]

mod crates;
mod imports;
mod modules;
mod tree;
