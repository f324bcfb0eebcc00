//! A client for GitHub's REST API, through `octocrab`.
//!
//! - One [`Github`] serves a whole run and fetches each object once. At most eight requests are in
//!   flight: GitHub applies a secondary rate limit to more.
//! - A request waits for a rate limit that ends before its deadline ([`Github::until`]). Otherwise it
//!   fails at once with the time. No request is sent while a limit is known to apply.
//! - Requests are retried on server errors and broken connections.
//! - No error and no `Debug` output contains the token.

mod client;
mod error;
mod files;
mod options;
mod project;
mod rate_limit;
mod rate_limit_gate;
mod release;
mod releases;
mod request;
mod response;
mod retry;

pub use client::Github;
pub use error::GithubError;
pub use options::{ApiUrl, ApiUrlError, GithubOptions, Token, TokenError};
pub use project::{GithubProject, GithubProjectError, project_path, query_value};
pub use rate_limit::RateLimit;
pub use release::Release;
pub use request::{Accept, GithubRequest};
pub use response::GithubResponse;
