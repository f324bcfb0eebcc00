//! Proposals become pull requests.

use std::time::Duration;

use tag_retrieval::github::{Github, GithubError, GithubProject};

use super::body::body;
use super::branch::branch;
use super::decide::{Decision, decide};
use super::pulls::{Pull, PullDocument, PullState, Pulls, list, of_branch, open_of_branch};
use super::target::Target;
use super::writer::{Text, Writer};
use super::{Marker, Proposal, ProposeError};

/// Where and how it is proposed.
#[derive(Debug, Clone)]
pub(crate) struct ProposeOptions {
    /// Whom to ask.
    pub(crate) github: Github,
    /// Where the list is.
    pub(crate) repository: GithubProject,
    /// The branch that is to get it; the repository's default branch, where
    /// nobody says.
    pub(crate) base: Option<String>,
    /// Between two changes; a second is what GitHub asks for.
    pub(crate) pause: Duration,
    /// Whether anything is changed.
    pub(crate) mode: Mode,
}

/// Whether anything is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// It is.
    Propose,
    /// It is said only what would be.
    DryRun,
}

/// What became of a proposal.
#[derive(Debug)]
pub(crate) struct Proposed {
    /// The entry's key.
    pub(crate) entry: String,
    /// What became of it.
    pub(crate) outcome: Outcome,
}

/// What became of a proposal. URLs are those of pull requests.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It is a new pull request.
    Created(String),
    /// It took the place of another set in an open pull request.
    Updated(String),
    /// It was proposed before.
    AlreadyProposed(String, PullState),
    /// It would be a new pull request.
    WouldCreate {
        /// From which branch.
        branch: String,
        /// With which title.
        title: String,
    },
    /// It would take the place of another set in this open pull request.
    WouldUpdate {
        /// The pull request's.
        url: String,
        /// With which title.
        title: String,
    },
    /// It is not proposed.
    Failed(ProposeError),
}

/// Proposes, one after the other. Where there is nothing to propose, nobody is
/// asked.
///
/// # Errors
///
/// [`GithubError`] where nothing is known of the repository; what happens to
/// one proposal is in its outcome.
pub(crate) async fn propose(
    proposing: &ProposeOptions,
    proposals: &[Proposal],
) -> Result<Vec<Proposed>, GithubError> {
    if proposals.is_empty() {
        return Ok(Vec::new());
    }
    let ProposeOptions {
        github, repository, ..
    } = proposing;
    let target = Target::read(github, repository, proposing.base.as_deref()).await?;
    let mut run = Run {
        target: &target,
        mode: proposing.mode,
        writer: Writer::new(&target, proposing.pause),
        pulls: list(&target).await?,
    };
    let mut proposed = Vec::new();
    for proposal in proposals {
        let outcome = run.propose(proposal).await.unwrap_or_else(Outcome::Failed);
        proposed.push(Proposed {
            entry: proposal.entry.clone(),
            outcome,
        });
    }
    Ok(proposed)
}

/// A run over the proposals.
#[derive(Debug)]
struct Run<'a> {
    target: &'a Target,
    mode: Mode,
    writer: Writer<'a>,
    pulls: Pulls,
}

impl Run<'_> {
    async fn propose(&mut self, proposal: &Proposal) -> Result<Outcome, ProposeError> {
        let marker = Marker::new(proposal);
        let branch = branch(&proposal.entry, &marker);
        if self.pulls.are_cut {
            let old = of_branch(self.target, &branch).await?;
            self.pulls.known.extend(old);
        }
        let text = Text {
            title: proposal.title(),
            body: body(proposal, &marker),
        };
        let decision = decide(&marker, &self.pulls.known);
        match (decision, self.mode) {
            (Decision::Known(pull), _) => {
                Ok(Outcome::AlreadyProposed(pull.url.clone(), pull.state))
            }
            (Decision::Supersede(pull), Mode::DryRun) => Ok(Outcome::WouldUpdate {
                url: pull.url.clone(),
                title: text.title,
            }),
            (Decision::Create, Mode::DryRun) => Ok(Outcome::WouldCreate {
                branch,
                title: text.title,
            }),
            (Decision::Supersede(pull), Mode::Propose) => {
                let pull = Pull {
                    marker,
                    ..pull.clone()
                };
                self.supersede(proposal, &pull, &text).await?;
                Ok(Outcome::Updated(self.remember(pull)))
            }
            (Decision::Create, Mode::Propose) => {
                let pull = self.create(proposal, branch, marker, &text).await?;
                Ok(Outcome::Created(self.remember(pull)))
            }
        }
    }

    /// The branch first and the body last: interrupted between, the next run
    /// sees the old set and does it again.
    async fn supersede(
        &mut self,
        proposal: &Proposal,
        pull: &Pull,
        text: &Text,
    ) -> Result<(), ProposeError> {
        let commit = self.commit(proposal, &text.title).await?;
        self.writer.move_branch(&pull.branch, &commit).await?;
        self.writer.update_pull(pull.number, text).await?;
        self.label(pull.number).await;
        Ok(())
    }

    async fn create(
        &mut self,
        proposal: &Proposal,
        branch: String,
        marker: Marker,
        text: &Text,
    ) -> Result<Pull, ProposeError> {
        let commit = self.commit(proposal, &text.title).await?;
        self.writer.create_branch(&branch, &commit).await?;
        let made = self.writer.create_pull(text, &branch).await?;
        let document = match made {
            Some(document) => document,
            None => self.take_over(&branch, text).await?,
        };
        self.label(document.number).await;
        Ok(Pull {
            number: document.number,
            url: document.html_url,
            state: PullState::Open,
            branch,
            marker,
        })
    }

    /// The open pull request that the branch has already, with our text.
    async fn take_over(&mut self, branch: &str, text: &Text) -> Result<PullDocument, ProposeError> {
        let document = open_of_branch(self.target, branch).await?;
        self.writer.update_pull(document.number, text).await?;
        Ok(document)
    }

    /// A commit on the base branch with the edited files.
    async fn commit(&mut self, proposal: &Proposal, message: &str) -> Result<String, ProposeError> {
        let Target {
            github,
            repository,
            base,
            commit,
            tree,
        } = self.target;
        for (path, edit) in &proposal.edited {
            let there = github.file(repository, commit, path).await?;
            if there.as_deref() != edit.before.as_deref() {
                return Err(ProposeError::Outdated {
                    path: path.clone(),
                    repository: repository.to_string(),
                    base: base.clone(),
                });
            }
        }
        let mut files = Vec::new();
        for (path, edit) in &proposal.edited {
            files.push((path.clone(), self.writer.blob(&edit.after).await?));
        }
        let tree = self.writer.tree(tree, &files).await?;
        Ok(self.writer.commit(commit, &tree, message).await?)
    }

    /// A label is for the people who sort: without it the proposal stands.
    async fn label(&mut self, number: u64) {
        if let Err(error) = self.writer.label(number).await {
            tracing::warn!("pull request {number} has no label: {error}");
        }
    }

    /// So that the same set is not proposed twice in one run.
    fn remember(&mut self, pull: Pull) -> String {
        let url = pull.url.clone();
        self.pulls.known.retain(|known| known.number != pull.number);
        self.pulls.known.insert(0, pull);
        url
    }
}

#[cfg(test)]
#[path = "test_samples.rs"]
pub(super) mod samples;

#[cfg(test)]
#[path = "propose_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "resumed_tests.rs"]
mod resumed;
