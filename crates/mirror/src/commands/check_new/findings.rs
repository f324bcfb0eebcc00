//! What a check of a branch found.

use std::collections::HashMap;

use image_name::RepositoryName;
use images_list::{ApprovedDigest, Row};

use super::change::{Change, Changed};
use crate::cli::exit::Exit;
use crate::cli::failure::Finding;
use crate::registries::availability::{Availability, ImageTag, missing_destination};
use image_name::full_repository;

/// All that was found.
#[derive(Debug)]
pub(crate) struct Checked {
    /// The commit that was compared with.
    pub(crate) base: String,
    /// The new rows, in the order of the lists.
    pub(crate) rows: Vec<CheckedRow>,
    /// Rows that are gone.
    pub(crate) removed: Vec<Changed>,
    /// What is wrong with the lists' form.
    pub(crate) problems: Vec<Finding>,
    /// Whether rows may go.
    pub(crate) allow_removals: bool,
    /// Whether what could not be checked is a finding.
    pub(crate) strict: bool,
}

/// A new row, and whether it can be mirrored.
#[derive(Debug)]
pub(crate) struct CheckedRow {
    /// The row.
    pub(crate) at: Changed,
    /// In one word.
    pub(crate) status: Status,
    /// What was found; empty where the row is well.
    pub(crate) message: String,
    /// Whether all that stands against it is refused credentials.
    refused: bool,
}

/// Whether a new row can be mirrored. The order is the weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Status {
    /// Yes.
    Ok,
    /// Nobody knows: credentials are wanted, and there are none.
    Unchecked,
    /// Nobody knows, for any other reason.
    Error,
    /// No: the destination's repository does not exist.
    DestinationMissing,
    /// No: the source does not have the tag.
    SourceMissing,
}

impl Status {
    /// As in JSON.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Unchecked => "unchecked",
            Self::Error => "error",
            Self::DestinationMissing => "destination_missing",
            Self::SourceMissing => "source_missing",
        }
    }
}

impl CheckedRow {
    /// Puts the answers for one row together.
    pub(crate) fn new(
        at: Changed,
        images: &HashMap<ImageTag, Availability<ApprovedDigest>>,
        destinations: &HashMap<RepositoryName, Availability>,
    ) -> Self {
        let row = &at.row;
        let image = ImageTag::from(row);
        let source = images
            .get(&image)
            .map(|availability| of_source(row, availability));
        let destination = destinations.get(&row.destination);
        let destination = destination.map(|availability| of_destination(row, availability));
        let against: Vec<_> = source.into_iter().chain(destination).flatten().collect();
        let statuses = against.iter().map(|(status, ..)| *status);
        let messages: Vec<_> = against
            .iter()
            .map(|(_, message, _)| message.as_str())
            .collect();
        Self {
            status: statuses.max().unwrap_or(Status::Ok),
            message: messages.join("; "),
            refused: !against.is_empty() && against.iter().all(|(.., refused)| *refused),
            at,
        }
    }
}

type Against = Option<(Status, String, bool)>;

fn of_source(row: &Row, availability: &Availability<ApprovedDigest>) -> Against {
    let image = row.source_reference();
    match availability {
        Availability::Found(_) => None,
        Availability::Missing => {
            let repository = full_repository(&image);
            let message = format!(
                "{} does not exist: see what there is with `mirror tags {repository}`",
                image.whole()
            );
            Some((Status::SourceMissing, message, false))
        }
        unknown => of_trouble(&image.whole(), unknown),
    }
}

fn of_destination(row: &Row, availability: &Availability) -> Against {
    match availability {
        Availability::Found(_) => None,
        Availability::Missing => {
            let message = missing_destination(&row.destination);
            Some((Status::DestinationMissing, message, false))
        }
        unknown => {
            let name = full_repository(&row.destination_reference());
            of_trouble(&format!("the repository {name}"), unknown)
        }
    }
}

fn of_trouble<T>(what: &str, availability: &Availability<T>) -> Against {
    match availability {
        Availability::Found(_) | Availability::Missing => None,
        Availability::Unchecked(error) => Some((
            Status::Unchecked,
            format!("could not check {what}: {}", error.message),
            true,
        )),
        Availability::Failed(error) => Some((
            Status::Error,
            format!("cannot tell whether {what} exists: {}", error.message),
            error.refused,
        )),
    }
}

impl Checked {
    /// Puts a check together.
    pub(crate) fn rows_of(
        change: &Change,
        images: &HashMap<ImageTag, Availability<ApprovedDigest>>,
        destinations: &HashMap<RepositoryName, Availability>,
    ) -> Vec<CheckedRow> {
        let rows = change.added.iter().cloned();
        rows.map(|at| CheckedRow::new(at, images, destinations))
            .collect()
    }

    /// Whether a row's status fails the check.
    fn fails(&self, status: Status) -> bool {
        match status {
            Status::Ok => false,
            Status::Unchecked => self.strict,
            Status::Error | Status::DestinationMissing | Status::SourceMissing => true,
        }
    }

    /// What fails the check, in the order of the lists: their form, then new
    /// rows, then rows that are gone.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        let rows = self.rows.iter().filter(|row| self.fails(row.status));
        let removed = self.removed.iter().filter(|_| !self.allow_removals);
        let removed = removed.map(|at| self.removal(at));
        let all = self.problems.iter().cloned();
        all.chain(rows.map(CheckedRow::finding))
            .chain(removed)
            .collect()
    }

    /// What could not be checked and does not fail it.
    pub(crate) fn warnings(&self) -> Vec<Finding> {
        let rows = self.rows.iter();
        let rows = rows.filter(|row| row.status != Status::Ok && !self.fails(row.status));
        rows.map(CheckedRow::finding).collect()
    }

    fn removal(&self, at: &Changed) -> Finding {
        let Changed { row, file, line } = at;
        let is_successor = |new: &&CheckedRow| {
            let new = &new.at.row;
            new.tag == row.tag && (new.source == row.source || new.destination == row.destination)
        };
        let what = match self.rows.iter().find(is_successor) {
            Some(new) => format!("was changed to `{}`", new.at.row),
            None => "was removed".to_owned(),
        };
        Finding {
            file: file.clone(),
            line: *line,
            message: format!(
                "`{row}` (line {line} before) {what}: somebody may use what it brought. Put it back, \
                 or say that it may go with --allow-removals"
            ),
        }
    }

    /// The exit code.
    pub(crate) fn exit(&self) -> Exit {
        let findings = self.findings().len();
        let refused = self
            .rows
            .iter()
            .filter(|row| row.refused && self.fails(row.status));
        if findings > 0 && refused.count() == findings {
            Exit::Refused
        } else {
            Exit::from_findings(findings > 0)
        }
    }
}

impl CheckedRow {
    fn finding(&self) -> Finding {
        Finding {
            file: self.at.file.clone(),
            line: self.at.line,
            message: self.message.clone(),
        }
    }
}
