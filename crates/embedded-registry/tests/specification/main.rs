//! The endpoints of the distribution specification over HTTP, one module for each section.
#![expect(clippy::unwrap_used, reason = "functions of the tests fail like tests")]

mod blobs;
mod client;
mod lists;
mod manifests;
mod uploads;
