//! GitHub's answers, good and bad, as the client and the version sources take them.
#![expect(clippy::unwrap_used, reason = "functions of the tests fail like tests")]

mod client;
mod limits;
mod sources;

use std::time::Duration;

use tag_retrieval::config::GithubProject;
use tag_retrieval::github::{Github, GithubOptions, Token};
use testkit::github::RunningGithub;

fn project(name: &str) -> GithubProject {
    let (owner, repository) = name.split_once('/').unwrap();
    GithubProject {
        owner: owner.to_owned(),
        repository: repository.to_owned(),
    }
}

/// A client that soon tries again.
fn client(server: &RunningGithub, token: Option<&str>) -> Github {
    Github::new(GithubOptions {
        api: server.url(),
        token: token.and_then(Token::new),
        patience: Duration::from_secs(20),
        backoff: Duration::from_millis(5),
    })
}
