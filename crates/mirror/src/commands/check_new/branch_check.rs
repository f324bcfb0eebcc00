//! The results of checking a branch.

use std::collections::HashMap;

use image_name::{RepositoryName, full_repository};
use images_list::{ApprovedDigest, Row, Targets};

use super::list_changes::{ChangedRow, ListChanges};
use crate::cli::exit::Exit;
use crate::cli::failure::Finding;
use crate::registries::availability::{
    Availability, AvailabilityChecker, ImageTag, created_destination, missing_destination,
};
use crate::registries::signature_check::ReportVerification;

/// The results of checking a branch.
#[derive(Debug)]
pub(crate) struct BranchCheck {
    /// The commit that the lists were compared with.
    pub(crate) base: String,
    /// The added rows, in the order of the lists.
    pub(crate) rows: Vec<CheckedRow>,
    /// The removed rows.
    pub(crate) removed: Vec<ChangedRow>,
    /// The problems of the lists, the locks and the configuration.
    pub(crate) problems: Vec<Finding>,
    /// Rows that only commits of the branch have.
    pub(crate) passing: Vec<Finding>,
    /// True if removed rows are allowed.
    pub(crate) allow_removals: bool,
    /// True if rows that require missing credentials are findings.
    pub(crate) strict: bool,
}

/// An added row and the result of its check.
#[derive(Debug)]
pub(crate) struct CheckedRow {
    /// The row.
    pub(crate) added: ChangedRow,
    /// The status.
    pub(crate) status: Status,
    /// The problems of the row; for [`Status::Ok`] the repositories that will be created, if any.
    pub(crate) message: String,
    /// The signature of the image, where a policy requires one.
    pub(crate) verification: Option<ReportVerification>,
    /// True if all problems are refused credentials.
    is_refused: bool,
}

/// The status of an added row, in ascending severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Status {
    /// The row can be mirrored.
    Ok,
    /// A registry requires credentials, and there are none.
    Unchecked,
    /// The check failed for another reason.
    Error,
    /// The destination repository does not exist.
    DestinationMissing,
    /// The image does not satisfy the policy.
    Rejected,
    /// The source does not have the tag.
    SourceMissing,
}

impl Status {
    /// Returns the status as in JSON.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Unchecked => "unchecked",
            Self::Error => "error",
            Self::DestinationMissing => "destination_missing",
            Self::Rejected => "rejected",
            Self::SourceMissing => "source_missing",
        }
    }
}

/// A problem with the source or the destination of an added row.
pub(super) struct RowProblem {
    pub(super) status: Status,
    pub(super) message: String,
    is_refused: bool,
}

impl RowProblem {
    fn of_source(row: &Row, availability: &Availability<ApprovedDigest>) -> Option<Self> {
        let image = row.copied_reference();
        match availability {
            Availability::Found(_) => None,
            Availability::Missing => {
                let repository = full_repository(&image);
                Some(Self {
                    status: Status::SourceMissing,
                    message: format!(
                        "{} does not exist; list the tags with `mirror tags {repository}`",
                        image.whole()
                    ),
                    is_refused: false,
                })
            }
            Availability::Rejected(error) => Some(Self {
                status: Status::Rejected,
                message: format!("{} {}", image.whole(), error.message),
                is_refused: false,
            }),
            unknown => Self::of_unknown(&image.whole(), unknown),
        }
    }

    pub(super) fn of_destination(
        name: &RepositoryName,
        availability: &Availability,
    ) -> Option<Self> {
        match availability {
            Availability::Found(_) => None,
            Availability::Missing => Some(Self {
                status: Status::DestinationMissing,
                message: missing_destination(name),
                is_refused: false,
            }),
            unknown => Self::of_unknown(&format!("the repository {}", name.full()), unknown),
        }
    }

    fn of_unknown<T>(subject: &str, availability: &Availability<T>) -> Option<Self> {
        let (status, error, is_refused) = match availability {
            Availability::Found(_) | Availability::Missing => return None,
            Availability::Unchecked(error) => (Status::Unchecked, error, true),
            Availability::Failed(error) | Availability::Rejected(error) => {
                (Status::Error, error, error.refused)
            }
        };
        Some(Self {
            status,
            message: format!("cannot check whether {subject} exists: {}", error.message),
            is_refused,
        })
    }
}

impl CheckedRow {
    /// Combines the checks of the row's source and destination.
    fn new(
        added: ChangedRow,
        images: &HashMap<ImageTag, Availability<ApprovedDigest>>,
        destinations: &HashMap<RepositoryName, Availability>,
        targets: &Targets,
    ) -> Self {
        let row = &added.row;
        let source = images.get(&ImageTag::from(row));
        let source = source.and_then(|availability| RowProblem::of_source(row, availability));
        // Unknown targets are problems of the list.
        let written = targets.expand(&row.destination).unwrap_or_default();
        let required = written.iter().filter(|written| written.must_exist());
        let of_destinations = required.filter_map(|written| {
            let availability = destinations.get(&written.repository)?;
            RowProblem::of_destination(&written.repository, availability)
        });
        let problems: Vec<_> = source.into_iter().chain(of_destinations).collect();
        let statuses = problems.iter().map(|problem| problem.status);
        let messages: Vec<_> = problems
            .iter()
            .map(|problem| problem.message.as_str())
            .collect();
        let notes = written
            .iter()
            .filter(|written| written.is_created_by_api())
            .map(|written| &written.repository)
            .filter(|name| matches!(destinations.get(name), Some(Availability::Missing)))
            .map(created_destination);
        let message = match problems.is_empty() {
            true => notes.collect::<Vec<_>>().join("; "),
            false => messages.join("; "),
        };
        Self {
            status: statuses.max().unwrap_or(Status::Ok),
            message,
            verification: None,
            is_refused: !problems.is_empty() && problems.iter().all(|problem| problem.is_refused),
            added,
        }
    }

    /// Adds the signature of a row that can be mirrored.
    pub(crate) fn signed(mut self, checker: &AvailabilityChecker) -> Self {
        if self.status == Status::Ok {
            self.verification = checker.verification(&ImageTag::from(&self.added.row));
        }
        self
    }

    /// Returns the checks of all added rows.
    pub(crate) fn all(
        changes: &ListChanges,
        images: &HashMap<ImageTag, Availability<ApprovedDigest>>,
        destinations: &HashMap<RepositoryName, Availability>,
        targets: &Targets,
    ) -> Vec<Self> {
        let added = changes.added.iter().cloned();
        added
            .map(|added| Self::new(added, images, destinations, targets))
            .collect()
    }

    fn finding(&self) -> Finding {
        self.added.location.finding(self.message.clone())
    }

    fn note(&self) -> Finding {
        let signer = self.verification.as_ref().map(|signer| {
            let image = self.added.row.copied_reference();
            format!("{} is {signer}", image.whole())
        });
        let created = Some(self.message.clone()).filter(|message| !message.is_empty());
        let notes: Vec<_> = signer.into_iter().chain(created).collect();
        self.added.location.finding(notes.join("; "))
    }
}

impl BranchCheck {
    /// Returns true if a row with the status fails the check.
    fn is_failure(&self, status: Status) -> bool {
        match status {
            Status::Ok => false,
            Status::Unchecked => self.strict,
            Status::Error
            | Status::DestinationMissing
            | Status::Rejected
            | Status::SourceMissing => true,
        }
    }

    /// Returns the findings that fail the check: problems, then added rows, then removed rows, each
    /// in the order of the lists.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        let rows = self.rows.iter().filter(|row| self.is_failure(row.status));
        let removed = self.removed.iter().filter(|_| !self.allow_removals);
        let removed = removed.map(|removed| self.removal(removed));
        let passing = self.passing.iter().filter(|_| self.strict);
        let all = self.problems.iter().chain(passing).cloned();
        all.chain(rows.map(CheckedRow::finding))
            .chain(removed)
            .collect()
    }

    /// Returns the rows that can be mirrored with what is worth a note: a destination that a run will create, and
    /// the signer.
    pub(crate) fn notes(&self) -> Vec<Finding> {
        let rows = self.rows.iter().filter(|row| row.status == Status::Ok);
        let rows = rows.filter(|row| !row.message.is_empty() || row.verification.is_some());
        rows.map(CheckedRow::note).collect()
    }

    /// Returns the rows that could not be checked, or that only commits of the branch have, and do not fail the
    /// check.
    pub(crate) fn warnings(&self) -> Vec<Finding> {
        let rows = self.rows.iter();
        let rows = rows.filter(|row| row.status != Status::Ok && !self.is_failure(row.status));
        let passing = self.passing.iter().filter(|_| !self.strict).cloned();
        rows.map(CheckedRow::finding).chain(passing).collect()
    }

    fn removal(&self, ChangedRow { row, location }: &ChangedRow) -> Finding {
        let is_successor = |new: &&CheckedRow| {
            let new = &new.added.row;
            new.tag.source() == row.tag.source()
                && (new.source == row.source || new.destination == row.destination)
        };
        let change = match self.rows.iter().find(is_successor) {
            Some(new) => format!("changed to `{}`", new.added.row),
            None => "removed".to_owned(),
        };
        let line = location.line;
        location.finding(format!(
            "`{row}` (line {line} at the base) was {change}, but its image may be in use; restore \
             the row, or run with --allow-removals"
        ))
    }

    /// Returns the exit status: refused if all findings are refused credentials.
    pub(crate) fn exit(&self) -> Exit {
        let findings = self.findings().len();
        let refused = self
            .rows
            .iter()
            .filter(|row| row.is_refused && self.is_failure(row.status));
        if findings > 0 && refused.count() == findings {
            Exit::Refused
        } else {
            Exit::from_findings(findings > 0)
        }
    }
}
