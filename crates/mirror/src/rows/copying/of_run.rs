//! The report of a run.

use copier::{Outcome, Row};

use super::report::{MovedTag, ReportError, ReportRow, RunReport, RunSums};
use super::run::{Ending, Mode, Run};
use crate::cli::image_name::{full_repository, tag_or_digest};
use crate::terminal::hints;

impl RunReport {
    /// The report of a run.
    pub(crate) fn of(run: &Run) -> Self {
        let summary = &run.report.summary;
        let milliseconds = run.duration.as_millis() as f64;
        Self {
            summary: RunSums {
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
                dry_run: run.mode == Mode::DryRun,
                interrupted: run.ending == Ending::Interrupted,
                shard: run.shard,
                missing_shards: Vec::new(),
            },
            rows: run
                .outcomes()
                .map(|(row, done)| row_of(row, done))
                .collect(),
        }
    }
}

fn row_of(row: &Row, outcome: &Outcome) -> ReportRow {
    let tag = tag_or_digest(&row.source);
    let destination_tag = tag_or_digest(&row.destination);
    ReportRow {
        source: full_repository(&row.source),
        destination: full_repository(&row.destination),
        tag: tag.to_owned(),
        destination_tag: (destination_tag != tag).then(|| destination_tag.to_owned()),
        status: outcome.status,
        digest: outcome.digest.clone(),
        bytes_copied: outcome.bytes_copied,
        warnings: outcome.warnings.clone(),
        error: outcome.error.as_ref().map(|error| ReportError {
            message: error.to_string(),
            hint: hints::of_row(row, error),
            refused: error.wire().is_some_and(registry_client::Error::is_refused),
        }),
        moved: outcome.moved.as_ref().map(MovedTag::of),
    }
}

#[cfg(test)]
mod tests {
    use copier::Status;
    use serde_json::json;

    use super::*;
    use crate::rows::copying::run::tests::{outcome, run_of};

    #[test]
    fn the_document_has_the_keys_of_the_contract() {
        let mut run = run_of(vec![outcome(Status::Copied), outcome(Status::Failed)]);
        run.report.rows[0].warnings.push("w".to_owned());
        let document = serde_json::to_value(RunReport::of(&run)).unwrap();
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
        assert!(error.get("refused").is_none());
    }

    #[test]
    fn a_dry_run_and_a_shard_say_so() {
        let mut run = run_of(Vec::new());
        run.mode = Mode::DryRun;
        run.shard = "2/4".parse().ok();
        let document = serde_json::to_value(RunReport::of(&run)).unwrap();
        assert_eq!(document["summary"]["dry_run"], true);
        assert_eq!(document["summary"]["shard"], "2/4");
    }
}
