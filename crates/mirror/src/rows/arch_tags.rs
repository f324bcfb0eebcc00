//! Rows that `--arch-tags` would let overwrite each other.

use std::collections::HashSet;

use image_name::{Tag, full_repository};
use images_list::{Expansions, WrittenTag, arch_tag_conflicts};

use super::selection::{RunRow, Selection};
use crate::cli::failure::{Failure, Finding};
use crate::files::list_file::{self, ListFile};

/// Returns the rows of lists with `TAG-ARCH` tags that may be tags of other rows.
pub(crate) fn findings(lists: &[ListFile]) -> Vec<Finding> {
    let targets = list_file::targets_of(lists);
    let mut expansions = Expansions::new(&targets);
    let rows = lists
        .iter()
        .flat_map(|file| file.list.rows().map(move |at| (file, at)));
    let rows = rows.map(|(file, at)| {
        // Unknown targets are problems of the list.
        (
            file,
            at,
            expansions.expand(&at.row.destination).unwrap_or_default(),
        )
    });
    let rows: Vec<_> = rows.collect();
    let written = rows.iter().flat_map(|(file, at, repositories)| {
        let tags = at.row.tag.destinations().iter();
        let tags = tags.filter_map(|reference| reference.tag());
        tags.flat_map(move |tag| {
            repositories.iter().map(move |written| WrittenTag {
                repository: &written.repository,
                tag,
                row: (*file, *at, &written.repository, tag),
            })
        })
    });
    let all: Vec<_> = written.collect();
    let conflicts = arch_tag_conflicts(all.iter().copied(), all.iter().copied());
    let mut found = Vec::new();
    // Two rows with several targets in common are one finding.
    let mut seen = HashSet::new();
    for ((file, at, repository, tag), (other, other_at, ..)) in conflicts {
        let tags = (at.line, &file.name, other_at.line, &other.name, tag);
        if seen.insert(tags) {
            let message = message(
                &repository.reference(&tag.clone().into()).whole(),
                &format!("`{}` on {}", other_at.row, other.location(other_at.line)),
            );
            found.push(file.location(at.line).finding(message));
        }
    }
    found
}

/// Refuses a run with `TAG-ARCH` tags that may be tags of other rows of the lists.
///
/// # Errors
///
/// [`Failure`] that names the rows.
pub(crate) fn refuse_conflicts(selection: &Selection) -> Result<(), Failure> {
    let others = selection.other_rows.iter().map(|row| (row, None));
    let selected = selection.rows.iter().map(|run| (&run.row, Some(run)));
    let rows = selected.chain(others).filter_map(|(row, run)| {
        let tag: Tag = row.destination.tag()?.parse().ok()?;
        Some((full_repository(&row.destination), tag, run))
    });
    let rows: Vec<(String, Tag, Option<&RunRow>)> = rows.collect();
    let all = rows.iter().map(|row @ (repository, tag, _)| WrittenTag {
        repository: repository.as_str(),
        tag,
        row,
    });
    let selected = all.clone().filter(|written| written.row.2.is_some());
    let conflicts = arch_tag_conflicts(selected, all);
    let problems: Vec<_> = conflicts
        .iter()
        .filter_map(|((repository, tag, run), (_, other, _))| {
            let message = message(
                &format!("{repository}:{tag}"),
                &format!("the row with the tag {other}"),
            );
            run.and_then(|run| run.finding(message))
        })
        .collect();
    let message = match problems.len() {
        0 => return Ok(()),
        1 => "--arch-tags may overwrite the tag of a row; nothing was sent".to_owned(),
        many => format!("--arch-tags may overwrite the tags of {many} rows; nothing was sent"),
    };
    Err(Failure::unusable(message)
        .hint("run without --arch-tags, or select other rows with --match".to_owned())
        .problems(problems))
}

fn message(destination: &str, other: &str) -> String {
    format!(
        "the tags that --arch-tags adds to {destination} may overwrite {other}: change the \
         destination of one of the rows"
    )
}
