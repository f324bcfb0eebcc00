//! Fake registries of vendors: the registry, in which a repository must exist before a push, and the API
//! that creates it, with the responses and errors of the real one.
//!
//! ```no_run
//! # async fn test() {
//! use testkit::vendors::{FakeVendor, Vendor};
//!
//! let harbor = FakeVendor::new(Vendor::Harbor).start().await;
//! // … push to `team/app` at harbor.host(), with harbor.login() …
//! assert_eq!(harbor.created(), ["team"]);
//! # }
//! ```

mod api_response;
mod deletions;
mod docker_hub;
mod ecr;
mod fake_vendor;
mod gitlab;
mod harbor;
mod images;
mod quay;
mod server;
mod signature;
mod state;
mod tokens;

pub use fake_vendor::{FakeVendor, RunningVendor};
pub use state::Vendor;
