//! The files that a plan is made from, besides the list: uses, reports and plans.

use std::fs;
use std::path::{Path, PathBuf};

use copier::Status;
use image_name::{Digest, RepositoryName, Tag};
use prune_plan::{PlanFile, UsedImages};

use crate::cli::failure::{Failure, Finding};
use crate::files::atomic_file::io_message;
use crate::rows::copying::report_files;

/// Reads the results of `mirror usage`.
///
/// # Errors
///
/// [`Failure`] that names every file that cannot be used.
pub(super) fn read_used_images(files: &[PathBuf]) -> Result<UsedImages, Failure> {
    let mut all = UsedImages::default();
    let mut problems = Vec::new();
    for file in files {
        let read = read_text(file).and_then(|text| {
            UsedImages::parse(&text).map_err(|error| finding(file, 1, error.to_string()))
        });
        match read {
            Ok(used) => all.extend(used),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() {
        return Ok(all);
    }
    let message = "--used-by: it is not known what is in use; nothing was sent";
    Err(Failure::unusable(message)
        .hint("write the file with `mirror usage --output json`".to_owned())
        .problems(problems))
}

/// Reads the images that runs have copied, from their reports.
///
/// # Errors
///
/// [`Failure`] that names every file that is not a report.
pub(super) fn read_written(
    files: &[PathBuf],
) -> Result<Vec<(RepositoryName, Tag, Digest)>, Failure> {
    let reports = report_files::read_all(files)?;
    let copied = reports
        .iter()
        .filter(|(_, report)| !report.summary.dry_run)
        .flat_map(|(_, report)| report.of_status(Status::Copied));
    let written = copied.filter_map(|row| {
        let tag = row.destination_tag.as_ref().unwrap_or(&row.tag);
        let (repository, tag) = (row.destination.parse().ok()?, tag.parse().ok()?);
        Some((repository, tag, row.digest.clone()?))
    });
    Ok(written.collect())
}

/// Reads a plan.
///
/// # Errors
///
/// [`Failure`] with all problems of the file.
pub(super) fn read_plan(file: &Path) -> Result<PlanFile, Failure> {
    let name = file.display();
    let parsed = match read_text(file) {
        Ok(text) => PlanFile::parse(&text).map_err(|problems| {
            let problems = problems.into_iter();
            let findings = problems.map(|found| finding(file, found.line, found.message));
            findings.collect::<Vec<_>>()
        }),
        Err(problem) => Err(vec![problem]),
    };
    parsed.map_err(|problems| {
        Failure::unusable(format!("{name} is not a plan; nothing was sent"))
            .hint(
                "write one with `mirror prune --plan FILE`; only whole lines may be removed"
                    .to_owned(),
            )
            .problems(problems)
    })
}

fn read_text(file: &Path) -> Result<String, Finding> {
    fs::read_to_string(file).map_err(|error| {
        finding(
            file,
            1,
            format!("cannot read the file: {}", io_message(&error)),
        )
    })
}

fn finding(file: &Path, line: usize, message: String) -> Finding {
    Finding {
        file: file.display().to_string(),
        line,
        message,
    }
}
