//! Rows that `--arch-tags` would let overwrite each other.

use image_name::{Tag, full_repository};
use images_list::{WrittenTag, arch_tag_conflicts};

use super::selection::{RunRow, Selection};
use crate::cli::failure::{Failure, Finding};
use crate::files::list_file::ListFile;

/// Returns the rows of lists with `TAG-ARCH` tags that may be tags of other rows.
pub(crate) fn findings(lists: &[ListFile]) -> Vec<Finding> {
    let rows = lists.iter().flat_map(|file| {
        let rows = file.list.rows();
        rows.flat_map(move |at| {
            let tags = at.row.tag.destinations().iter();
            tags.filter_map(|reference| reference.tag())
                .map(move |tag| WrittenTag {
                    repository: &at.row.destination,
                    tag,
                    row: (file, at, tag),
                })
        })
    });
    let all: Vec<_> = rows.collect();
    let conflicts = arch_tag_conflicts(all.iter().copied(), all.iter().copied());
    let found = conflicts
        .into_iter()
        .map(|((file, at, tag), (other, other_at, _))| {
            let message = message(
                &at.row.destination.reference(&tag.clone().into()).whole(),
                &format!("`{}` on {}", other_at.row, other.location(other_at.line)),
            );
            file.location(at.line).finding(message)
        });
    found.collect()
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
