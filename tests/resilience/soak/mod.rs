//! A soak test: runs over a list whose upstream keeps changing, between real registries with
//! short-lived tokens, through proxies that fail one request in a hundred. It finds problems that
//! only time shows: growing memory and descriptors, tasks that never end, rows that stay wrong.
//!
//! Takes more than 10 s in the tests, so that several runs happen. `scripts/soak` runs it for an
//! hour.

mod faults;
mod monitored_run;
mod plan;
mod samples;
mod scenario;
mod statistics;
mod status_requests;
mod testbed;
mod upstream;
mod verify;
