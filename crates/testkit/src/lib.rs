//! For tests only: what the tests of the other crates start, send through and check against.
//!
//! # The problem
//!
//! A copier of images is right when it is right with the registries that there are: with their
//! credentials, certificates and quirks, over connections that stall and break. So the tests run
//! real ones, put faults between them and the code under test, and ask clients that are not ours
//! what arrived.
//!
//! ```no_run
//! # async fn test() {
//! use testkit::processes::Distribution;
//!
//! let registry = Distribution::new().start().await;
//! // … copy something to registry.host() …
//! let requests = registry.requests().await;
//! assert!(!requests.iter().any(|request| request.method == "PUT"));
//! # }
//! ```
//!
//! # Invariants
//!
//! - Everything listens on loopback, on a port of its own, and ends with the value that holds it.
//! - What cannot be set up is a panic that says what to do: a test without its registry has
//!   nothing to say.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "only tests use this crate, and a panic is how a test fails"
)]

mod canary;
pub mod certificates;
mod chart;
pub mod clients;
mod fetch;
mod file_server;
mod git_repository;
pub mod github;
pub mod processes;
mod programs;
pub mod proxy;
pub mod push;
pub mod tokens;

pub use canary::{CANARY, canary_in};
pub use chart::{Chart, index_charts, push_chart};
pub use fetch::fetch;
pub use file_server::FileServer;
pub use git_repository::GitRepository;
pub use programs::program;
