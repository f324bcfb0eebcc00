//! Points of the distribution specification, over HTTP.
#![expect(clippy::unwrap_used, reason = "functions of the tests fail like tests")]

mod blobs;
mod client;
mod lists;
mod manifests;
mod uploads;
