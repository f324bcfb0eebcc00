//! The report of an export, with its JSON keys.

use std::collections::HashMap;
use std::ops::Not;

use bundle::plan::{ExportPlan, ImageShare};
use bundle::write::Written;
use copier::Status;
use image_name::{full_repository, tag_or_digest};
use registry_client::cut_sent_secrets;
use serde::Serialize;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::rows::copying::run::{CopiedRow, CopyRun, Ending};
use crate::rows::followed::ReportEntry;

/// The report of an export.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ExportReport {
    /// The sums.
    pub(super) summary: ExportSums,
    /// The program that wrote the report, with its version.
    pub(super) tool: String,
    /// The start of the run, RFC 3339 in UTC.
    pub(super) started: String,
    /// The archive; `null` if none was planned.
    pub(super) bundle: Option<ReportBundle>,
    /// The rows, in the order of the list.
    pub(super) rows: Vec<ExportRow>,
    /// The followed entries of the configuration.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) entries: Vec<ReportEntry>,
    /// The rows that an interrupt has left.
    #[serde(skip)]
    unreached: usize,
    /// The reason why the archive was not written.
    pub(super) error: Option<ExportError>,
}

/// The sums of an export.
#[derive(Debug, Clone, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ExportSums {
    /// The number of rows.
    pub(super) rows: usize,
    /// The rows whose image is in the archive, whole or in part.
    pub(super) exported: usize,
    /// The rows whose image the far side has.
    pub(super) unchanged: usize,
    /// The rows that were not reached.
    pub(super) skipped: usize,
    /// The rows whose image is not in the archive because of an error.
    pub(super) failed: usize,
    /// The size of the archive in bytes: exact, except for the estimate of a compressed archive that was not
    /// written.
    pub(super) archive_bytes: u64,
    /// Bytes of content in the archive, each object once.
    pub(super) new_bytes: u64,
    /// Bytes that images share with an earlier image of the archive.
    pub(super) shared_bytes: u64,
    /// Bytes that are left out because a base has them. What is under a manifest of a base is not counted.
    pub(super) left_out_bytes: u64,
    /// Bytes of blobs to download.
    pub(super) download_bytes: u64,
    /// Bytes of blobs that were downloaded.
    pub(super) downloaded_bytes: u64,
    /// Bytes of blobs that an earlier run had written.
    pub(super) resumed_bytes: u64,
    /// The number of layers that clients fetch from their publisher, since the archive does not have them.
    pub(super) foreign_layers: usize,
    /// The number of such layers that the archive has.
    pub(super) foreign_layers_included: usize,
    /// The number of HTTP requests.
    pub(super) requests: u64,
    /// The time of the run.
    pub(super) duration_seconds: f64,
    /// The run was a dry run.
    #[serde(skip_serializing_if = "Not::not")]
    pub(super) dry_run: bool,
    /// A signal ended the run early.
    #[serde(skip_serializing_if = "Not::not")]
    pub(super) interrupted: bool,
}

/// The archive.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ReportBundle {
    /// The output as it was named.
    pub(super) output: String,
    /// The files that were written: the archive, its volumes, or the directory.
    pub(super) files: Vec<String>,
    /// The digest of `mirror.json`, which identifies the archive.
    pub(super) id: String,
    /// The number of members, without `mirror.json` and its signature.
    pub(super) members: usize,
    /// The number of manifests and blobs that the far side must have.
    pub(super) requires: usize,
}

/// The outcome of a row.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ExportRow {
    /// The source repository with its host.
    pub(super) source: String,
    /// The destination repository with its host.
    pub(super) destination: String,
    /// The tag, or a digest.
    pub(super) tag: String,
    /// The tag at the destination, if it differs from `tag`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) destination_tag: Option<String>,
    /// The name of the destination's target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) target: Option<String>,
    /// `exported`, `unchanged`, `skipped` or `failed`.
    pub(super) status: &'static str,
    /// The digest of the image, if it is known.
    pub(super) digest: Option<String>,
    /// Bytes that the archive has for this image first.
    pub(super) new_bytes: u64,
    /// Bytes that the archive has for an earlier image too.
    pub(super) shared_bytes: u64,
    /// Bytes that are left out because a base has them.
    pub(super) left_out_bytes: u64,
    /// Problems that did not fail the row.
    pub(super) warnings: Vec<String>,
    /// The cause of a failed row.
    pub(super) error: Option<ExportError>,
}

/// The cause of a failure.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ExportError {
    /// The error.
    pub(super) message: String,
    /// A next step.
    pub(super) hint: Option<String>,
    /// A registry refused the credentials.
    #[serde(skip_serializing_if = "Not::not")]
    pub(super) refused: bool,
}

impl From<&Failure> for ExportError {
    fn from(failure: &Failure) -> Self {
        Self {
            message: failure.message.clone(),
            hint: failure.hint.clone(),
            refused: failure.exit == Exit::Refused,
        }
    }
}

impl ExportReport {
    /// Creates the report of a run that has planned an archive, or none.
    pub(super) fn new(run: &CopyRun, plan: Option<&ExportPlan>, output: String) -> Self {
        let mut sums = ExportSums {
            skipped: run.summary.skipped,
            failed: run.summary.failed,
            rows: run.summary.rows,
            requests: run.requests,
            duration_seconds: run.duration.as_millis() as f64 / 1000.0,
            interrupted: run.ending == Ending::Interrupted,
            ..ExportSums::default()
        };
        let shares = plan.map(shares).unwrap_or_default();
        let rows: Vec<_> = run
            .rows
            .iter()
            .map(|row| ExportRow::new(row, &shares))
            .collect();
        sums.exported = rows.iter().filter(|row| row.status == EXPORTED).count();
        sums.unchanged = run.summary.rows - sums.exported - sums.skipped - sums.failed;
        if let Some(plan) = plan {
            for share in &plan.shares {
                sums.new_bytes += share.new;
                sums.shared_bytes += share.shared;
                sums.left_out_bytes += share.left_out;
            }
            sums.download_bytes = plan.download_bytes();
            let foreign = &plan.contents.foreign_layers;
            let included = foreign.iter().filter(|layer| layer.included).count();
            sums.foreign_layers = foreign.len() - included;
            sums.foreign_layers_included = included;
        }
        Self {
            unreached: run.summary.skipped,
            summary: sums,
            tool: run.provenance.tool.clone(),
            started: run.provenance.started.clone(),
            bundle: plan.map(|plan| ReportBundle {
                output,
                files: Vec::new(),
                id: plan.identity().to_string(),
                members: plan.contents.members.len(),
                requires: plan.contents.requires.len(),
            }),
            rows,
            entries: run.entries.clone(),
            error: None,
        }
    }

    /// Adds the files that were written.
    pub(super) fn add_written(&mut self, written: &Written) {
        self.summary.archive_bytes = written.archive_bytes;
        self.summary.downloaded_bytes = written.downloaded_bytes;
        self.summary.resumed_bytes = written.resumed_bytes;
        if let Some(bundle) = &mut self.bundle {
            let files = written.files.iter();
            bundle.files = files.map(|file| file.display().to_string()).collect();
        }
    }

    /// Notes that the archive was not written: no row is exported.
    pub(super) fn fail(&mut self, failure: &Failure) {
        self.error = Some(ExportError::from(failure));
        self.summary.archive_bytes = 0;
        for row in &mut self.rows {
            if row.status == EXPORTED || row.status == UNCHANGED {
                row.status = SKIPPED;
            }
        }
        let sums = &mut self.summary;
        sums.skipped += std::mem::take(&mut sums.exported) + std::mem::take(&mut sums.unchanged);
    }

    /// Returns the exit code: that of the rows as for `mirror sync`, and that of the archive.
    pub(super) fn exit(&self, write: Option<Exit>) -> Exit {
        let sums = &self.summary;
        let left = self.rows.iter();
        let left = left.filter(|row| row.status == SKIPPED && row.error.is_some());
        let left = left.count();
        if sums.interrupted || self.unreached > left {
            return Exit::Interrupted;
        }
        let errors = self.rows.iter().filter(|row| row.status == FAILED);
        let refused = errors.filter(|row| row.error.as_ref().is_some_and(|error| error.refused));
        let refused = refused.count();
        let (failed_entries, refused_entries) = ReportEntry::failures(&self.entries);
        let rows = match failed_entries {
            0 => Exit::from_rows(sums.rows, sums.failed, refused),
            _ if failed_entries + sums.failed == refused_entries + refused => Exit::Refused,
            _ if sums.failed > 0 && sums.failed == sums.rows => Exit::AllFailed,
            _ => Exit::Failed,
        };
        let rows = rows.max(Exit::from_findings(left > 0));
        match write {
            // Rows that failed for another reason are not refused.
            Some(Exit::Refused) if rows != Exit::Done && rows != Exit::Refused => Exit::Failed,
            Some(write) => rows.max(write),
            None => rows,
        }
    }
}

const EXPORTED: &str = "exported";
const UNCHANGED: &str = "unchanged";
const SKIPPED: &str = "skipped";
const FAILED: &str = "failed";

impl ExportRow {
    fn new(copied: &CopiedRow, shares: &HashMap<(String, String), ImageShare>) -> Self {
        let CopiedRow {
            row: run_row,
            outcome,
        } = copied;
        let row = &run_row.row;
        let destination = full_repository(&row.destination);
        let destination_tag = tag_or_digest(&row.destination);
        let tag = tag_or_digest(&row.source);
        let key = (destination.clone(), destination_tag.to_owned());
        let is_exported = matches!(outcome.status, Status::Copied | Status::Unchanged);
        let share = shares.get(&key).copied().filter(|_| is_exported);
        let share = share.unwrap_or_default();
        let status = match outcome.status {
            Status::Copied | Status::Unchanged if share.new + share.shared > 0 => EXPORTED,
            Status::Copied | Status::Unchanged => UNCHANGED,
            Status::Skipped => SKIPPED,
            Status::Failed => FAILED,
        };
        Self {
            source: full_repository(&row.source),
            destination_tag: (destination_tag != tag).then(|| destination_tag.to_owned()),
            destination,
            tag: tag.to_owned(),
            target: run_row.target_name(),
            status,
            digest: outcome.digest.as_ref().map(ToString::to_string),
            new_bytes: share.new,
            shared_bytes: share.shared,
            left_out_bytes: share.left_out,
            warnings: outcome.warnings.clone(),
            error: outcome.error.as_ref().map(|error| ExportError {
                message: cut_sent_secrets(&error.message(row)).into_owned(),
                hint: run_row.hint(error),
                refused: error
                    .request_error()
                    .is_some_and(registry_client::Error::is_refused),
            }),
        }
    }
}

/// Returns the bytes of the images by destination and tag.
fn shares(plan: &ExportPlan) -> HashMap<(String, String), ImageShare> {
    let images = plan.contents.images.iter().zip(&plan.shares);
    let shares = images.map(|(image, share)| {
        let key = (image.destination.full(), image.destination_tag.to_string());
        (key, *share)
    });
    shares.collect()
}

#[cfg(test)]
mod tests {
    use bundle::base::Inventory;
    use bundle::contents::Contents;

    use super::*;
    use crate::terminal::document_schema;

    #[test]
    fn documents_have_the_schemas_of_the_documentation() {
        document_schema::assert_documented::<ExportReport>("export");
        document_schema::assert_documented::<Contents>("bundle");
        document_schema::assert_documented::<Inventory>("inventory");
    }
}
