//! A fake of GitHub's REST API (<https://docs.github.com/en/rest>): the endpoints that look up versions
//! and propose changes.
//!
//! ```no_run
//! # async fn test() {
//! use testkit::github::{FakeGithub, Fault, Release};
//!
//! let github = FakeGithub::new().token("secret").start().await;
//! github.release("coredns/coredns", Release::new("v1.11.3"));
//! github.commit("us/mirror", "main", &[("images-list", "# empty\n")]);
//! github.fault(Fault::status(503).times(2).of("/releases"));
//! // … look up releases and propose a change at github.url() …
//! assert_eq!(github.count("GET", "/repos/coredns/coredns/releases"), 3);
//! assert_eq!(github.pulls("us/mirror")[0].labels, ["status/auto-created"]);
//! # }
//! ```
//!
//! It supports commits, trees, refs, and pull requests with labels, comments, requests for reviews and
//! merges. A merge looks at whole files. A new tree is flat: files by their full path.

mod fault;
mod git_store;
pub mod gitlab;
mod pull_requests;
mod query;
mod rate_limit;
mod releases;
mod response;
mod routes;
mod running;
mod server;
mod state;

pub use fault::Fault;
pub use pull_requests::{Pull, PullState};
pub use releases::Release;
pub use running::RunningGithub;
pub use server::FakeGithub;
pub use state::GithubRequest;
