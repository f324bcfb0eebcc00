//! The files that a plan is made from, besides the list: uses, reports and plans.

use std::fs;
use std::path::{Path, PathBuf};

use copier::Status;
use image_name::{Digest, ManifestReference, RepositoryName};
use prune_plan::{PlanFile, UsedImages};

use crate::cli::failure::{Failure, Finding};
use crate::files::atomic_file::io_message;
use crate::rows::copying::report::ReportRow;
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

/// An image that a run has written, by its report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WrittenImage {
    /// The destination.
    pub(super) repository: RepositoryName,
    /// The tag, or the digest of a row by digest.
    pub(super) reference: ManifestReference,
    /// The digest of the image at the destination.
    pub(super) digest: Digest,
}

/// Reads the images that runs have copied, from their reports, and the content of rows by digest, which a run
/// need not have copied: it is kept.
///
/// # Errors
///
/// [`Failure`] that names every file that is not a report.
pub(super) fn read_written(files: &[PathBuf]) -> Result<Vec<WrittenImage>, Failure> {
    let reports = report_files::read_all(files)?;
    let runs = reports.iter().filter(|(_, report)| !report.summary.dry_run);
    let written = runs.flat_map(|(_, report)| {
        let copied = report.of_status(Status::Copied).filter_map(written);
        let unchanged = report.of_status(Status::Unchanged).filter_map(written);
        copied.chain(unchanged.filter(|written| written.reference.digest().is_some()))
    });
    Ok(written.collect())
}

fn written(row: &ReportRow) -> Option<WrittenImage> {
    let reference = row.destination_tag.as_ref().unwrap_or(&row.tag);
    Some(WrittenImage {
        repository: row.destination.parse().ok()?,
        reference: reference.parse().ok()?,
        digest: row.digest.clone()?,
    })
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
