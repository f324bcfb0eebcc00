//! The pull requests at the start of a run, and the rows that they decide about.

use std::collections::{HashMap, HashSet};
use std::fmt;

use images_list::{List, Row};

use super::Marker;
use super::decide::{Decision, decide};
use super::host::{Host, HostError};
use super::marker::RowId;
use super::own_commit::is_own;
use super::pulls::{Pull, PullState, Pulls};

/// Maximum number of merged pull requests whose lists at the merge are read, newest first.
const MERGED: usize = 50;

/// The pull requests of the command, and the rows that they decide about.
#[derive(Debug)]
pub(super) struct Standing {
    pub(super) pulls: Pulls,
    /// The open pull requests whose branch has commits of others, by number.
    pub(super) adopted: HashSet<u64>,
    /// The rows that are in the lists of the target branch, commented-out ones included.
    pub(super) listed: HashSet<RowId>,
    taken: HashMap<RowId, Taken>,
}

/// A row that is not proposed, because a person decided about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Taken {
    /// The reason.
    pub(crate) reason: TakenReason,
    /// The URL of the pull request.
    pub(crate) url: String,
}

/// The reason why a row is not proposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TakenReason {
    /// A person closed the pull request.
    Declined,
    /// A person took the row out before the merge.
    TakenOut,
    /// A person commits to the branch of the open pull request.
    Adopted,
}

impl Taken {
    /// Returns true if a person decided against the row.
    pub(crate) fn is_final(&self) -> bool {
        self.reason != TakenReason::Adopted
    }
}

impl fmt::Display for TakenReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Declined => "proposed before, and closed",
            Self::TakenOut => "taken out before the merge",
            Self::Adopted => "proposed in a branch with commits of others",
        })
    }
}

impl Standing {
    /// Reads the pull requests, and the lists at `paths` of the target branch.
    pub(super) async fn read(host: &impl Host, paths: &[String]) -> Result<Self, HostError> {
        let mut standing = Self {
            pulls: host.pulls().await?,
            adopted: HashSet::new(),
            listed: HashSet::new(),
            taken: HashMap::new(),
        };
        if standing.pulls.known.is_empty() {
            return Ok(standing);
        }
        standing.listed = rows_at(host, host.base_commit(), paths).await?;
        let mut merged = 0;
        for pull in standing.pulls.known.clone() {
            let reason = match pull.state {
                _ if pull.is_taken_back() || pull.marker.is_done => continue,
                PullState::Open if is_own(host, &pull.head).await? => continue,
                PullState::Open => {
                    standing.adopted.insert(pull.number);
                    TakenReason::Adopted
                }
                PullState::Closed => TakenReason::Declined,
                PullState::Merged if merged == MERGED => continue,
                PullState::Merged => TakenReason::TakenOut,
            };
            let is_listed = |row: &RowId| standing.listed.contains(row);
            let mut rows = pull.marker.rows.clone();
            rows.retain(|row| !is_listed(row));
            if let (PullState::Merged, Some(commit), false) =
                (pull.state, &pull.merge_commit, rows.is_empty())
            {
                merged += 1;
                let at_merge = rows_at(host, commit, paths).await?;
                // The others were removed from the list later.
                rows.retain(|row| !at_merge.contains(row));
            }
            for row in rows {
                let url = pull.url.clone();
                standing.taken.entry(row).or_insert(Taken { reason, url });
            }
        }
        Ok(standing)
    }

    /// Returns the decision about a set of rows.
    pub(super) fn decide(&self, marker: &Marker) -> Decision<'_> {
        decide(marker, &self.pulls.known, &self.adopted)
    }

    /// Returns the decision about each row of an entry. A set that was proposed as it is has a pull
    /// request, which the proposal finds.
    pub(super) fn taken(&self, entry: &str, rows: &[&Row]) -> Vec<Option<Taken>> {
        let marker = Marker::from_rows(entry, rows.iter().copied());
        let is_known = matches!(self.decide(&marker), Decision::Known(_));
        let taken = rows.iter().map(|row| match is_known {
            true => None,
            false => self.taken.get(&RowId::new(row)).cloned(),
        });
        taken.collect()
    }

    /// Returns the open pull requests without commits of others whose rows are all in the list.
    pub(super) fn done(&self) -> Vec<Pull> {
        let is_listed = |pull: &&Pull| {
            let rows = &pull.marker.rows;
            pull.state == PullState::Open
                && !self.adopted.contains(&pull.number)
                && !rows.is_empty()
                && rows.iter().all(|row| self.listed.contains(row))
        };
        self.pulls.known.iter().filter(is_listed).cloned().collect()
    }
}

/// Returns the rows of lists in a commit. Commented-out rows count, as for new versions.
async fn rows_at(
    host: &impl Host,
    commit: &str,
    paths: &[String],
) -> Result<HashSet<RowId>, HostError> {
    let mut rows = HashSet::new();
    for path in paths {
        let file = host.file(commit, path).await?;
        let list = List::parse(file.as_deref().unwrap_or_default());
        rows.extend(list.rows().map(|at| RowId::new(at.row)));
        let commented = list.commented_rows();
        rows.extend(commented.into_iter().map(|at| RowId::new(&at.row)));
    }
    Ok(rows)
}
