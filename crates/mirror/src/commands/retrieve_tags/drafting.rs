//! Drafting a proposal from the new versions of an entry.

use std::collections::BTreeMap;

use futures::{StreamExt, TryStreamExt};
use images_list::{Row, Targets};
use tag_retrieval::{FoundTag, NewTags, Origin, Summary};

use super::apply::add_requests;
use super::pull_requests::{
    Edit, Host, Kind, Proposal, ProposedPair, Proposer, SkippedImage, Taken,
};
use super::retrieval::{EntryReport, EntryState, Retrieval};
use crate::cli::failure::Failure;
use crate::files::list_file::{self, ListFile};
use crate::files::lock_file::{self, LockFile};
use crate::git::{Git, Links};
use crate::registries::availability::{AvailabilityChecker, ImageTag};
use crate::rows::adding::{self, AddOutcome, AddProblem, Checks, ImageProblem, plan};

/// Maximum entries that are checked concurrently.
const AT_ONCE: usize = 16;

/// The proposal of an entry, and the images that it leaves out.
#[derive(Debug)]
pub(crate) struct Draft {
    /// The proposal; `None` if no row passed the checks.
    pub(crate) proposal: Option<Proposal>,
    /// The problems of the images that are left out.
    pub(crate) problems: Vec<ImageProblem>,
    /// The rows that persons decided about, and their entry.
    pub(crate) taken: Vec<TakenRow>,
}

/// A new row that is not proposed, because a person decided about it.
#[derive(Debug)]
pub(crate) struct TakenRow {
    /// The entry's key.
    pub(crate) entry: String,
    /// The row.
    pub(crate) row: Row,
    /// The decision.
    pub(crate) taken: Taken,
}

/// A list with its lock, and their paths in the repository.
pub(crate) struct Listed<'a> {
    file: &'a ListFile,
    /// The path in the repository.
    pub(crate) path: String,
    lock: Option<LockFile>,
    lock_path: String,
}

/// Finds the lists and their locks in the repository.
///
/// # Errors
///
/// [`Failure`] for a list outside the repository, and for an invalid lock.
pub(crate) fn track_lists<'a>(
    git: &Git,
    lists: &'a [ListFile],
) -> Result<Vec<Listed<'a>>, Failure> {
    let mut listed = Vec::new();
    for file in lists {
        let lock = lock_file::path_of(&file.path);
        listed.push(Listed {
            file,
            path: git.track(&file.path, Links::Follow)?.to_text()?,
            lock: LockFile::read(file)?,
            lock_path: git.track(&lock, Links::Follow)?.to_text()?,
        });
    }
    Ok(listed)
}

/// Drafts a proposal for each entry with new versions, after the checks of `add-tag`. No file is
/// written: each proposal is based on the lists on disk.
///
/// # Errors
///
/// [`Failure`] if a check fails.
pub(crate) async fn draft<H: Host>(
    checker: &AvailabilityChecker,
    proposer: &Proposer<H>,
    retrieval: &Retrieval,
    lists: &[ListFile],
    listed: &[Listed<'_>],
) -> Result<Vec<Draft>, Failure> {
    let with_news = retrieval
        .entries
        .iter()
        .filter_map(|entry| match &entry.state {
            EntryState::Retrieved { new_tags, .. } if !new_tags.new.is_empty() => {
                Some((entry, new_tags))
            }
            _ => None,
        });
    let drafts = futures::stream::iter(with_news)
        .map(|(entry, new_tags)| draft_entry((checker, proposer), entry, new_tags, lists, listed))
        .map(Ok)
        .try_buffered(AT_ONCE);
    drafts.try_collect().await
}

async fn draft_entry<H: Host>(
    (checker, proposer): (&AvailabilityChecker, &Proposer<H>),
    entry: &EntryReport,
    new_tags: &NewTags,
    lists: &[ListFile],
    listed: &[Listed<'_>],
) -> Result<Draft, Failure> {
    let mut checks = Checks::new(listed.iter().any(|list| list.lock.is_some()));
    let mut outcome = AddOutcome::default();
    for request in add_requests(new_tags.new.iter()) {
        let planned = plan(lists, &request);
        checks.complete(checker, &planned).await;
        merge(
            &mut outcome,
            AddOutcome::new(planned, &checks, true),
            &list_file::targets_of(lists),
        );
    }
    let taken = take_out(&mut outcome, proposer, &entry.name);
    let mut pairs = Vec::new();
    let mut edited = BTreeMap::new();
    for (at, list) in listed.iter().enumerate() {
        let edit = adding::ListEdit::new(list.file, at, list.lock.clone(), &outcome, &checks);
        if edit.rows.is_empty() {
            continue;
        }
        pairs.extend(edit.rows.into_iter().map(|added| {
            ProposedPair {
                origin: origin_of(&new_tags.new, &added.row.source, added.row.tag.source()),
                row: added.row,
                signer: added
                    .verification
                    .map(|verification| verification.to_string()),
            }
        }));
        let before = Some(list.file.list.to_string());
        let after = edit.text;
        edited.insert(list.path.clone(), Edit { before, after });
        if let Some(lock) = edit.lock {
            let (before, after) = (Some(lock.file.text().to_owned()), lock.text);
            edited.insert(list.lock_path.clone(), Edit { before, after });
        }
    }
    let skipped = outcome.problems.iter().map(|found| SkippedImage {
        image: found.image.source.to_string(),
        tag: found.image.tag.to_string(),
        reason: found.problem.to_string(),
    });
    let proposal = Proposal {
        entry: entry.name.clone(),
        kind: match new_tags.summary {
            Summary::Versions { .. } => Kind::Versions,
            Summary::Images { .. } => Kind::Images,
        },
        skipped: skipped.collect(),
        reviewers: entry.review.reviewers.clone(),
        labels: entry.review.labels.clone(),
        pairs,
        edited,
    };
    Ok(Draft {
        proposal: (!proposal.pairs.is_empty()).then_some(proposal),
        problems: outcome.problems,
        taken,
    })
}

/// Removes the rows that persons decided about.
fn take_out<H: Host>(
    outcome: &mut AddOutcome,
    proposer: &Proposer<H>,
    entry: &str,
) -> Vec<TakenRow> {
    let rows: Vec<&Row> = outcome.rows.iter().map(|planned| &planned.row).collect();
    let decisions = proposer.taken(entry, &rows);
    let mut taken = Vec::new();
    let planned = std::mem::take(&mut outcome.rows);
    for (planned, decision) in planned.into_iter().zip(decisions) {
        match decision {
            None => outcome.rows.push(planned),
            Some(decision) => taken.push(TakenRow {
                entry: entry.to_owned(),
                row: planned.row,
                taken: decision,
            }),
        }
    }
    taken
}

/// Merges another outcome. Rows that would fill the same tag of a destination become problems.
fn merge(outcome: &mut AddOutcome, more: AddOutcome, targets: &Targets) {
    outcome.problems.extend(more.problems);
    for planned in more.rows {
        let new = &planned.row;
        let mut had = outcome.rows.iter().map(|had| &had.row);
        let twin = had.find(|had| {
            had.source != new.source
                && had.tag == new.tag
                && targets.overlap(&had.destination, &new.destination)
        });
        let Some(twin) = twin else {
            outcome.rows.push(planned);
            continue;
        };
        let problem = AddProblem::Taken {
            destination: new.destination.clone(),
            tag: new.tag.source().clone(),
            other_source: twin.source.clone(),
            location: "this proposal".to_owned(),
        };
        outcome.problems.push(ImageProblem {
            image: ImageTag {
                source: new.source.clone(),
                tag: new.tag.source().clone(),
                pinned_tag: None,
            },
            problem,
            refused: false,
        });
    }
}

/// Returns the origin of the version of a row.
fn origin_of(
    pairs: &[FoundTag],
    source: &image_name::RepositoryName,
    tag: &image_name::ManifestReference,
) -> Origin {
    let is_it = |pair: &&FoundTag| {
        pair.tag == tag.as_str()
            && pair
                .image
                .parse()
                .is_ok_and(|name: image_name::RepositoryName| name == *source)
    };
    let found = pairs.iter().find(is_it).map(|pair| pair.origin.clone());
    found.unwrap_or_else(|| Origin::Repository {
        repository: source.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::adding::PlannedRow;

    fn outcome(rows: &[(&str, &str)]) -> AddOutcome {
        let rows = rows.iter().map(|(source, destination)| PlannedRow {
            row: Row {
                source: source.parse().unwrap(),
                destination: destination.parse().unwrap(),
                tag: "1".parse().unwrap(),
            },
            new_repositories: Vec::new(),
            created_repositories: Vec::new(),
            list: 0,
        });
        AddOutcome {
            rows: rows.collect(),
            ..AddOutcome::default()
        }
    }

    #[test]
    fn merge_rejects_two_images_for_one_destination_tag() {
        let mut all = outcome(&[("a/x", "m/x"), ("a/y", "m/y")]);
        merge(
            &mut all,
            outcome(&[("b/x", "m/x"), ("a/y", "m/y"), ("b/z", "m/z")]),
            &Targets::default(),
        );
        let rows: Vec<_> = all
            .rows
            .iter()
            .map(|row| row.row.source.as_written())
            .collect();
        assert_eq!(rows, ["a/x", "a/y", "a/y", "b/z"]);
        let problems = all.problems.iter();
        let problems: Vec<_> = problems.map(|one| one.problem.to_string()).collect();
        assert_eq!(
            problems,
            ["this proposal already copies a/x to `m/x:1`: choose another destination"]
        );
    }
}
