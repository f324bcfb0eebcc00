//! GitHub's REST API, as far as it is needed: through `octocrab`, with patience for its limits and
//! each thing fetched once in a run.
//!
//! - One [`Github`] serves a whole run. At most eight requests are under way: GitHub answers more
//!   than a few at once with a secondary limit.
//! - A limit is waited out if it ends before the deadline ([`Github::until`]); else the error names
//!   the time. Nothing is sent while a limit is known to hold.
//! - Server errors and broken connections are tried again a few times.
//! - The token is in no error and no `Debug`.

mod answer;
mod client;
mod error;
mod fetched;
mod files;
mod gate;
mod limit;
mod options;
mod path;
mod releases;
mod request;
mod tries;

pub use answer::Answer;
pub use client::Github;
pub use error::GithubError;
pub use limit::RateLimit;
pub use options::{GithubOptions, Token};
pub use path::{project_path, query_value};
pub use releases::Release;
pub use request::{Accept, GithubRequest};
