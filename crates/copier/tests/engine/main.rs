//! Runs against embedded registries: their requests, their writes and their reports.
#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

mod attached;
mod failures;
mod gate;
mod hostile;
mod listing_gaps;
mod memory;
mod missing_content;
mod moved;
mod not_served;
mod platforms;
mod quota;
mod repository_creation;
mod requests;
mod run;
mod same_registry;
mod signatures;
mod stalls;
mod wire_forms;
