//! Sample proposals and a fake GitHub for the tests.

use std::collections::BTreeMap;
use std::time::Duration;

use images_list::List;
use tag_retrieval::Origin;
use tag_retrieval::github::{Github, GithubOptions, GithubProject, Token};
use testkit::github::{FakeGithub, RunningGithub};

use super::{HostError, Mode, Outcome, Proposed, Proposer};
use crate::commands::retrieve_tags::pull_requests::{
    Edit, GithubHost, Kind, Proposal, ProposedPair,
};

pub(crate) const REPOSITORY: &str = "us/mirror";
pub(crate) const LIST: &str = "lists/images-list";
pub(crate) const LABEL: &str = "status/auto-created";

pub(crate) async fn server() -> RunningGithub {
    let server = FakeGithub::new().token("secret").start().await;
    server.commit(REPOSITORY, "main", &[(LIST, "# list\n"), ("README", "r")]);
    server
}

/// The options of a run.
pub(crate) struct ProposeOptions {
    pub(crate) github: Github,
    pub(crate) repository: GithubProject,
    pub(crate) base: Option<String>,
    pub(crate) pause: Duration,
    pub(crate) mode: Mode,
}

/// Returns the options of a run against the fake GitHub.
pub(crate) fn proposing(server: &RunningGithub, mode: Mode) -> ProposeOptions {
    let github = Github::new(GithubOptions {
        api: server.url().parse().unwrap(),
        token: Token::parse("secret").ok(),
        timeout: Duration::from_secs(10),
        backoff: Duration::from_millis(1),
    });
    ProposeOptions {
        github,
        repository: "us/mirror".parse().unwrap(),
        base: None,
        pause: Duration::ZERO,
        mode,
    }
}

/// Proposes in a new run.
pub(crate) async fn propose(
    options: &ProposeOptions,
    proposals: &[Proposal],
) -> Result<Vec<Proposed>, HostError> {
    let ProposeOptions {
        github,
        repository,
        base,
        pause,
        mode,
    } = options;
    let host = GithubHost::open(github, repository, base.as_deref(), *pause).await?;
    let mut proposer = Proposer::open(host, &[LIST.to_owned()], *mode).await?;
    Ok(proposer.propose(proposals).await)
}

/// Proposes rows in a new run, and returns the outcome.
pub(crate) async fn run(server: &RunningGithub, entry: &str, rows: &[&str]) -> Outcome {
    let pairs = rows.iter().map(|row| pair(row)).collect();
    run_of(server, proposal(entry, pairs)).await
}

pub(crate) async fn run_of(server: &RunningGithub, proposal: Proposal) -> Outcome {
    let proposing = proposing(server, Mode::Propose);
    let mut proposed = propose(&proposing, &[proposal]).await.unwrap();
    assert_eq!(proposed.len(), 1);
    proposed.remove(0).outcome
}

pub(crate) fn created(outcome: &Outcome) -> &str {
    let Outcome::Created(url) = outcome else {
        panic!("not created: {outcome:?}");
    };
    url
}

/// Returns a row that was found in a release with the name of its tag.
pub(crate) fn pair(row: &str) -> ProposedPair {
    let list = List::parse(row);
    let row = list.rows().next().unwrap().row.clone();
    let tag = row.tag.to_string();
    ProposedPair {
        signer: None,
        row,
        origin: Origin::Page {
            title: format!("release {tag}"),
            url: format!("https://x.io/{tag}"),
        },
    }
}

/// Returns a proposal that adds a line for each pair to an empty list.
pub(crate) fn proposal(entry: &str, pairs: Vec<ProposedPair>) -> Proposal {
    let line = |pair: &ProposedPair| format!("{}\n", pair.row);
    let edit = Edit {
        before: Some("# list\n".to_owned()),
        after: format!("# list\n{}", pairs.iter().map(line).collect::<String>()),
    };
    Proposal {
        entry: entry.to_owned(),
        kind: Kind::Versions,
        pairs,
        skipped: Vec::new(),
        reviewers: Vec::new(),
        labels: Vec::new(),
        edited: BTreeMap::from([(LIST.to_owned(), edit)]),
    }
}
