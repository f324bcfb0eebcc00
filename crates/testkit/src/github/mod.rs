//! A server that answers like GitHub's REST API (<https://docs.github.com/en/rest>), as far as
//! versions are looked up and changes proposed there.
//!
//! ```no_run
//! # async fn test() {
//! use testkit::github::{Fault, FakeGithub, Release};
//!
//! let github = FakeGithub::new().token("secret").start().await;
//! github.release("coredns/coredns", Release::new("v1.11.3"));
//! github.commit("us/mirror", "main", &[("images-list", "# nothing yet\n")]);
//! github.fault(Fault::status(503).times(2).of("/releases"));
//! // … look up releases and propose a change at github.url() …
//! assert_eq!(github.count("GET", "/repos/coredns/coredns/releases"), 3);
//! assert_eq!(github.pulls("us/mirror")[0].labels, ["status/auto-created"]);
//! # }
//! ```
//!
//! It knows commits and trees, and pull requests as far as their list, their branch and their
//! labels go: no reviews, no merges. A tree is flat: files by their whole path.

mod answer;
mod contents;
mod fault;
mod git;
mod labels;
mod limit;
mod pulls;
mod query;
mod releases;
mod route;
mod running;
mod server;
mod state;

pub use fault::Fault;
pub use pulls::{Pull, PullState};
pub use releases::Release;
pub use running::RunningGithub;
pub use server::{FakeGithub, GithubRequest};
