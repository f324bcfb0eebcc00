//! Creating and updating pull requests for proposals.

use images_list::Row;

use super::body::body;
use super::branch::branch;
use super::decide::Decision;
use super::host::{Draft, Existing, Host, HostError, Opened};
use super::own_commit::{is_own, message};
use super::pulls::{Pull, PullState};
use super::standing::{Standing, Taken};
use super::writer::Text;
use super::{Marker, Proposal, ProposeError};

/// The number of times that the host is asked whether a pull request conflicts.
const CONFLICT_ATTEMPTS: usize = 4;

/// Maximum number of branches for one set. The first ones can have commits of others.
const BRANCHES: usize = 20;

/// The comment on a pull request that is closed.
const DONE: &str = "All rows of this proposal are in the list.";

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
    /// The branch of an open pull request conflicted with the target branch, and was made anew.
    Rebuilt(String),
    /// The set was proposed before.
    AlreadyProposed(String, PullState),
    /// The set is proposed in a branch that conflicts and has commits of others.
    Conflicting(String),
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
    /// In a dry run: the branch of an open pull request would be made anew.
    WouldRebuild(String),
    /// The proposal failed.
    Failed(ProposeError),
}

/// A run over the proposals, one after the other.
#[derive(Debug)]
pub(crate) struct Proposer<H> {
    host: H,
    mode: Mode,
    standing: Standing,
}

impl<H: Host> Proposer<H> {
    /// Reads the pull requests of a repository, and the lists at `paths` of the target branch.
    ///
    /// # Errors
    ///
    /// [`HostError`] if one of them cannot be read.
    pub(crate) async fn open(host: H, paths: &[String], mode: Mode) -> Result<Self, HostError> {
        Ok(Self {
            standing: Standing::read(&host, paths).await?,
            mode,
            host,
        })
    }

    /// Returns the decision about each new row of an entry.
    pub(crate) fn taken(&self, entry: &str, rows: &[&Row]) -> Vec<Option<Taken>> {
        self.standing.taken(entry, rows)
    }

    /// Closes the open pull requests whose rows are all in the list, and returns their URLs. In a dry run
    /// none is closed.
    ///
    /// # Errors
    ///
    /// [`HostError`] of the first that cannot be closed.
    pub(crate) async fn close_done(&mut self) -> Result<Vec<String>, HostError> {
        let done = self.standing.done();
        for pull in &done {
            let marker = Marker {
                is_done: true,
                ..pull.marker.clone()
            };
            let rest = pull.body.split_once('\n').map_or("", |(_, rest)| rest);
            let body = format!("{}\n{rest}", marker.line());
            if self.mode == Mode::Propose {
                self.host.close_pull(pull.number, &body, DONE).await?;
                let pulls = &mut self.standing.pulls;
                pulls.known.retain(|known| known.number != pull.number);
            }
        }
        Ok(done.into_iter().map(|pull| pull.url).collect())
    }

    /// Proposes one proposal after the other. The error of one is in its outcome.
    pub(crate) async fn propose(&mut self, proposals: &[Proposal]) -> Vec<Proposed> {
        let mut proposed = Vec::new();
        for proposal in proposals {
            let outcome = self.propose_one(proposal).await;
            proposed.push(Proposed {
                entry: proposal.entry.clone(),
                outcome: outcome.unwrap_or_else(Outcome::Failed),
            });
        }
        proposed
    }

    async fn propose_one(&mut self, proposal: &Proposal) -> Result<Outcome, ProposeError> {
        let marker = Marker::new(proposal);
        let branch = branch(&proposal.entry, &marker);
        if self.standing.pulls.are_cut {
            let old = self.host.pulls_of(&branch).await?;
            self.standing.pulls.known.extend(old);
        }
        let text = Text {
            title: proposal.title(),
            body: body(proposal, &marker),
        };
        let decision = self.standing.decide(&marker);
        match (decision, self.mode) {
            (Decision::Known(pull), _) => {
                let pull = pull.clone();
                self.keep(proposal, &pull, &text).await
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
                self.report_adopted(&marker);
                let pull = self.create(proposal, &branch, marker, &text).await?;
                Ok(Outcome::Created(self.remember(pull)))
            }
        }
    }

    /// Leaves the pull request of the same set as it is, unless it conflicts with the target branch.
    async fn keep(
        &mut self,
        proposal: &Proposal,
        pull: &Pull,
        text: &Text,
    ) -> Result<Outcome, ProposeError> {
        let url = pull.url.clone();
        let attempts = match (pull.state, self.mode) {
            (PullState::Closed | PullState::Merged, _) => 0,
            (PullState::Open, Mode::DryRun) => 1,
            (PullState::Open, Mode::Propose) => CONFLICT_ATTEMPTS,
        };
        if !self.host.conflicts(pull.number, attempts).await? {
            return Ok(Outcome::AlreadyProposed(url, pull.state));
        }
        if self.standing.adopted.contains(&pull.number) {
            return Ok(Outcome::Conflicting(url));
        }
        match self.mode {
            Mode::DryRun => Ok(Outcome::WouldRebuild(url)),
            Mode::Propose => {
                self.supersede(proposal, pull, text).await?;
                Ok(Outcome::Rebuilt(url))
            }
        }
    }

    /// Logs the open pull requests of the entry that are left alone.
    fn report_adopted(&self, marker: &Marker) {
        let adopted = self.standing.pulls.known.iter().filter(|pull| {
            pull.marker.entry == marker.entry && self.standing.adopted.contains(&pull.number)
        });
        for pull in adopted {
            tracing::warn!(
                "{} has commits of others and stays as it is; newer rows get a branch of their own",
                pull.url
            );
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
        self.check(proposal).await?;
        let message = message(&text.title, &proposal.edited);
        let draft = Draft {
            message: &message,
            edited: &proposal.edited,
        };
        self.host
            .put(&pull.branch, draft, Existing::Replace)
            .await?;
        self.host.update_pull(pull.number, text).await?;
        self.finish(pull.number, proposal).await;
        Ok(())
    }

    async fn create(
        &mut self,
        proposal: &Proposal,
        branch: &str,
        marker: Marker,
        text: &Text,
    ) -> Result<Pull, ProposeError> {
        self.check(proposal).await?;
        let message = message(&text.title, &proposal.edited);
        let draft = Draft {
            message: &message,
            edited: &proposal.edited,
        };
        let (branch, head) = self.place(branch, draft).await?;
        let opened = match self.host.create_pull(text, &branch).await? {
            Some(opened) => opened,
            None => self.take_over(&branch, text).await?,
        };
        self.finish(opened.number, proposal).await;
        Ok(Pull {
            number: opened.number,
            url: opened.url,
            state: PullState::Open,
            branch,
            head,
            merge_commit: None,
            body: text.body.clone(),
            labels: Vec::new(),
            marker,
        })
    }

    /// Puts a commit on a branch. An interrupted run can have left the branch behind; one with a commit of
    /// others is not moved, and the next name is used.
    async fn place(
        &mut self,
        branch: &str,
        draft: Draft<'_>,
    ) -> Result<(String, String), ProposeError> {
        for number in 1..=BRANCHES {
            let name = match number {
                1 => branch.to_owned(),
                _ => format!("{branch}-{number}"),
            };
            if let Some(commit) = self.host.put(&name, draft, Existing::Keep).await? {
                return Ok((name, commit));
            }
            let head = self.host.head(&name).await?;
            if is_own(&self.host, &head).await?
                && let Some(commit) = self.host.put(&name, draft, Existing::Replace).await?
            {
                return Ok((name, commit));
            }
            tracing::warn!("the branch {name} has commits of others and stays as it is");
        }
        Err(ProposeError::Branches {
            branch: branch.to_owned(),
        })
    }

    /// Writes the text into the open pull request that the branch already has.
    async fn take_over(&mut self, branch: &str, text: &Text) -> Result<Opened, ProposeError> {
        let opened = self.host.open_pull_of(branch).await?;
        self.host.update_pull(opened.number, text).await?;
        Ok(opened)
    }

    /// Checks that the target branch has the files that were edited.
    async fn check(&self, proposal: &Proposal) -> Result<(), ProposeError> {
        let commit = self.host.base_commit();
        for (path, edit) in &proposal.edited {
            let there = self.host.file(commit, path).await?;
            if there.as_deref() != edit.before.as_deref() {
                return Err(ProposeError::Outdated {
                    path: path.clone(),
                    repository: self.host.repository(),
                    base: self.host.base().to_owned(),
                });
            }
        }
        Ok(())
    }

    /// Labels a pull request and requests reviews. Errors are warnings, because the proposal is complete
    /// without them.
    async fn finish(&mut self, number: u64, proposal: &Proposal) {
        if let Err(error) = self.host.label(number, &proposal.labels).await {
            tracing::warn!("pull request {number} has no label: {error}");
        }
        let reviewers = &proposal.reviewers;
        if reviewers.is_empty() {
            return;
        }
        if let Err(error) = self.host.request_reviews(number, reviewers).await {
            let reviewers = reviewers.join(", ");
            tracing::warn!("cannot request reviews of {number} from {reviewers}: {error}");
        }
    }

    /// Adds a pull request to the known ones, so that one run does not propose a set twice.
    fn remember(&mut self, pull: Pull) -> String {
        let url = pull.url.clone();
        self.standing
            .pulls
            .known
            .retain(|known| known.number != pull.number);
        self.standing.pulls.known.insert(0, pull);
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
