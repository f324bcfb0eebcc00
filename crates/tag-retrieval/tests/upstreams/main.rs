//! The other version sources against servers on loopback.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "functions of the tests fail like tests"
)]

mod git_tags;
mod gitlab_releases;
mod image_sources;
mod registry_tags;
mod run;
mod setup;
