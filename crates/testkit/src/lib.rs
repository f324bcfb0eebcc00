//! Registries, proxies, fake services and independent clients for the tests of the other crates.
//!
//! # The problem
//!
//! Code that copies images must work with real registries: with their credentials, certificates and
//! quirks, over connections that stall and break. The tests start real registries, inject faults
//! between them and the code under test, and check the result with independent clients.
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
//! - Every server listens on loopback, on a free port, and stops when its handle is dropped.
//! - A failed setup is a panic with a message that says what to do. No test is skipped.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "only tests use this crate, and a panic is how a test fails"
)]

mod canary;
pub mod certificates;
pub mod clients;
mod corpus;
mod fetch;
mod file_server;
mod git_repository;
pub mod github;
mod helm_chart;
pub mod processes;
mod program;
pub mod proxy;
pub mod push;
pub mod signing;
pub mod tokens;
pub mod vendors;

pub use canary::{CANARY, canary_in};
pub use corpus::replay_corpus;
pub use fetch::fetch;
pub use file_server::FileServer;
pub use git_repository::GitRepository;
pub use github::gitlab;
pub use helm_chart::{Chart, index_charts, push_chart};
pub use program::program;
