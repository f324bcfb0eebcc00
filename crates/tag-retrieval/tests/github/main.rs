//! The GitHub client and its version sources against a fake GitHub.
#![expect(clippy::unwrap_used, reason = "functions of the tests fail like tests")]

mod client;
mod limits;
mod sources;

use std::time::Duration;

use tag_retrieval::github::GithubProject;
use tag_retrieval::github::{Github, GithubOptions, Token};
use testkit::github::RunningGithub;

fn project(name: &str) -> GithubProject {
    let (owner, repository) = name.split_once('/').unwrap();
    GithubProject {
        owner: owner.to_owned(),
        repository: repository.to_owned(),
    }
}

/// Returns a client with short waits between retries.
fn client(server: &RunningGithub, token: Option<&str>) -> Github {
    Github::new(GithubOptions {
        api: server.url().parse().unwrap(),
        token: token.and_then(|token| Token::parse(token).ok()),
        timeout: Duration::from_secs(20),
        backoff: Duration::from_millis(5),
    })
}
