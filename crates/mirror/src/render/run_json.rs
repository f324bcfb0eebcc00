//! The JSON report of `sync` and `copy`.

use copier::{Moved, Outcome, Row};
use oci_spec::image::Digest;
use serde::Serialize;

use crate::hints;
use crate::image_name::{full_repository, tag_or_digest};
use crate::run::{Mode, Run};

/// The document.
#[derive(Debug, Serialize)]
pub(crate) struct RunJson<'a> {
    summary: SummaryJson,
    rows: Vec<RowJson<'a>>,
}

#[derive(Debug, Serialize)]
struct SummaryJson {
    rows: usize,
    copied: usize,
    unchanged: usize,
    skipped: usize,
    failed: usize,
    blobs_copied: u64,
    blobs_mounted: u64,
    blobs_present: u64,
    bytes_copied: u64,
    requests: u64,
    duration_seconds: f64,
    /// Only where it is true.
    #[serde(skip_serializing_if = "Option::is_none")]
    dry_run: Option<bool>,
}

#[derive(Debug, Serialize)]
struct RowJson<'a> {
    source: String,
    destination: String,
    tag: &'a str,
    /// Only where it is another than `tag`: `mirror copy` can rename.
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_tag: Option<&'a str>,
    status: &'static str,
    digest: Option<&'a str>,
    bytes_copied: u64,
    warnings: &'a [String],
    error: Option<ErrorJson>,
    /// Only where the source tag was pushed again since it was approved.
    #[serde(skip_serializing_if = "Option::is_none")]
    moved: Option<MovedJson>,
}

/// Digests of a source tag that was pushed again.
#[derive(Debug, Serialize)]
pub(super) struct MovedJson {
    approved: Digest,
    now: Digest,
}

impl MovedJson {
    pub(super) fn of(moved: &Moved) -> Self {
        Self {
            approved: moved.approved.clone(),
            now: moved.now.clone(),
        }
    }
}

#[derive(Debug, Serialize)]
struct ErrorJson {
    message: String,
    hint: Option<String>,
}

impl<'a> RunJson<'a> {
    /// The document of a run.
    pub(crate) fn of(run: &'a Run) -> Self {
        let summary = &run.report.summary;
        let milliseconds = run.duration.as_millis() as f64;
        Self {
            summary: SummaryJson {
                rows: summary.rows,
                copied: summary.copied,
                unchanged: summary.unchanged,
                skipped: summary.skipped,
                failed: summary.failed,
                blobs_copied: summary.blobs_copied,
                blobs_mounted: summary.blobs_mounted,
                blobs_present: summary.blobs_present,
                bytes_copied: summary.bytes_copied,
                requests: run.requests,
                duration_seconds: milliseconds / 1000.0,
                dry_run: (run.mode == Mode::DryRun).then_some(true),
            },
            rows: run
                .outcomes()
                .map(|(row, outcome)| row_json(row, outcome))
                .collect(),
        }
    }
}

fn row_json<'a>(row: &'a Row, outcome: &'a Outcome) -> RowJson<'a> {
    let tag = tag_or_digest(&row.source);
    let destination_tag = tag_or_digest(&row.destination);
    RowJson {
        source: full_repository(&row.source),
        destination: full_repository(&row.destination),
        tag,
        destination_tag: (destination_tag != tag).then_some(destination_tag),
        status: outcome.status.as_str(),
        digest: outcome.digest.as_ref().map(AsRef::as_ref),
        bytes_copied: outcome.bytes_copied,
        warnings: &outcome.warnings,
        error: outcome.error.as_ref().map(|error| ErrorJson {
            message: error.to_string(),
            hint: hints::of_row(row, error),
        }),
        moved: outcome.moved.as_ref().map(MovedJson::of),
    }
}

#[cfg(test)]
mod tests {
    use copier::Status;
    use serde_json::json;

    use super::*;
    use crate::run::tests::{outcome, run_of};

    #[test]
    fn the_document_has_the_keys_of_the_contract() {
        let mut run = run_of(vec![outcome(Status::Copied), outcome(Status::Failed)]);
        run.report.rows[0].warnings.push("w".to_owned());
        let document = serde_json::to_value(RunJson::of(&run)).unwrap();
        let want = json!({
            "rows": 2, "copied": 1, "unchanged": 0, "skipped": 0, "failed": 1,
            "blobs_copied": 0, "blobs_mounted": 0, "blobs_present": 0, "bytes_copied": 0,
            "requests": 7, "duration_seconds": 1.5,
        });
        assert_eq!(document["summary"], want);
        let want = json!({
            "source": "q.io/a/0", "destination": "r.io/b/0", "tag": "v1", "status": "copied",
            "digest": null, "bytes_copied": 0, "warnings": ["w"], "error": null,
        });
        assert_eq!(document["rows"][0], want);
        let error = &document["rows"][1]["error"];
        assert_eq!(error["message"], "the source q.io/a/0:v1 does not exist");
        assert!(error["hint"].is_string());
    }

    #[test]
    fn a_dry_run_says_so() {
        let mut run = run_of(Vec::new());
        run.mode = Mode::DryRun;
        let document = serde_json::to_value(RunJson::of(&run)).unwrap();
        assert_eq!(document["summary"]["dry_run"], true);
    }
}
