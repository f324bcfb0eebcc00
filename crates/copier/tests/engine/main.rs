//! The engine against embedded registries: what it asks, what it writes, what
//! it does not.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod attached;
mod failures;
mod hostile;
mod listing_gaps;
mod moved;
mod platforms;
mod requests;
mod run;
