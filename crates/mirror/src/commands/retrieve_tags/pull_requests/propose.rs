//! Creating and updating pull requests for proposals.

use std::time::Duration;

use tag_retrieval::github::{Github, GithubError, GithubProject};

use super::body::body;
use super::branch::branch;
use super::decide::{Decision, decide};
use super::pulls::{Pull, PullDocument, PullState, Pulls, list, of_branch, open_of_branch};
use super::target::Target;
use super::writer::{Text, Writer};
use super::{Marker, Proposal, ProposeError};

/// The options of [`propose`].
#[derive(Debug, Clone)]
pub(crate) struct ProposeOptions {
    /// The client.
    pub(crate) github: Github,
    /// The repository of the list.
    pub(crate) repository: GithubProject,
    /// The target branch; `None` for the default branch of the repository.
    pub(crate) base: Option<String>,
    /// The pause between two changes. GitHub recommends a second.
    pub(crate) pause: Duration,
    /// The mode.
    pub(crate) mode: Mode,
}

/// The mode: propose, or a dry run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Pull requests are created and updated.
    Propose,
    /// Nothing is changed.
    DryRun,
}

/// A proposal and its outcome.
#[derive(Debug)]
pub(crate) struct Proposed {
    /// The entry's key.
    pub(crate) entry: String,
    /// The outcome.
    pub(crate) outcome: Outcome,
}

/// The outcome of a proposal. URLs are those of pull requests.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// A pull request was created.
    Created(String),
    /// An open pull request of the entry was updated.
    Updated(String),
    /// The set was proposed before.
    AlreadyProposed(String, PullState),
    /// In a dry run: a pull request would be created.
    WouldCreate {
        /// The branch.
        branch: String,
        /// The title.
        title: String,
    },
    /// In a dry run: an open pull request of the entry would be updated.
    WouldUpdate {
        /// The URL of the pull request.
        url: String,
        /// The title.
        title: String,
    },
    /// The proposal failed.
    Failed(ProposeError),
}

/// Proposes one proposal after the other. Without proposals, no request is sent.
///
/// # Errors
///
/// [`GithubError`] if the repository or its pull requests cannot be read. The error of one proposal
/// is in its outcome.
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

    /// Updates a pull request, the branch first and the body last. After an interrupt between them,
    /// the next run reads the old marker and repeats the update.
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

    /// Writes the text into the open pull request that the branch already has.
    async fn take_over(&mut self, branch: &str, text: &Text) -> Result<PullDocument, ProposeError> {
        let document = open_of_branch(self.target, branch).await?;
        self.writer.update_pull(document.number, text).await?;
        Ok(document)
    }

    /// Creates a commit with the edited files on top of the base branch.
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

    /// Labels a pull request. An error is a warning, because the proposal is complete without a label.
    async fn label(&mut self, number: u64) {
        if let Err(error) = self.writer.label(number).await {
            tracing::warn!("pull request {number} has no label: {error}");
        }
    }

    /// Adds a pull request to the known ones, so that one run does not propose a set twice.
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
