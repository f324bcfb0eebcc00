//! What a report says.

use std::ops::Not;

use copier::{Moved, Status};
use image_name::{Digest, full_repository, tag_or_digest};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::run::{CopiedRow, CopyRun, Ending, Mode};
use crate::cli::exit::Exit;
use crate::rows::shard::Shard;
use crate::terminal::hints;

/// The document. What a reader does not know it passes over, and what older
/// versions did not write is taken as not so.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RunReport {
    /// The sums.
    pub(crate) summary: RunSums,
    /// The rows, in the order of the list.
    pub(crate) rows: Vec<ReportRow>,
}

/// The sums of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct RunSums {
    pub(crate) rows: usize,
    pub(crate) copied: usize,
    pub(crate) unchanged: usize,
    pub(crate) skipped: usize,
    pub(crate) failed: usize,
    pub(crate) blobs_copied: u64,
    pub(crate) blobs_mounted: u64,
    pub(crate) blobs_present: u64,
    pub(crate) bytes_copied: u64,
    pub(crate) requests: u64,
    pub(crate) duration_seconds: f64,
    /// Nothing was to be written.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub(crate) dry_run: bool,
    /// A signal ended it.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub(crate) interrupted: bool,
    /// Only of `--shard`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) shard: Option<Shard>,
    /// Of a merged report: the shards of which there was none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) missing_shards: Vec<Shard>,
}

/// What became of a row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ReportRow {
    /// The repository with its host.
    pub(crate) source: String,
    /// The repository with its host.
    pub(crate) destination: String,
    /// The tag, or a digest.
    pub(crate) tag: String,
    /// Only where it is another than `tag`: `mirror copy` can rename.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) destination_tag: Option<String>,
    #[serde(serialize_with = "write_status", deserialize_with = "read_status")]
    pub(crate) status: Status,
    pub(crate) digest: Option<Digest>,
    pub(crate) bytes_copied: u64,
    pub(crate) warnings: Vec<String>,
    pub(crate) error: Option<ReportError>,
    /// Only where the source tag was pushed again since it was approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) moved: Option<MovedTag>,
}

/// Why a row failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReportError {
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
    /// A registry refused the credentials.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub(crate) refused: bool,
}

/// Digests of a source tag that was pushed again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MovedTag {
    pub(crate) approved: Digest,
    pub(crate) now: Digest,
}

impl From<&Moved> for MovedTag {
    fn from(moved: &Moved) -> Self {
        Self {
            approved: moved.approved.clone(),
            now: moved.now.clone(),
        }
    }
}

impl RunReport {
    /// Creates the report of a run.
    pub(crate) fn new(run: &CopyRun) -> Self {
        let summary = &run.summary;
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
            rows: run.rows.iter().map(ReportRow::new).collect(),
        }
    }

    /// The exit code of the run, or of the one run that several stand for.
    pub(crate) fn exit(&self) -> Exit {
        let sums = &self.summary;
        // Versions that did not write `interrupted` had no other reason to skip.
        if sums.interrupted || sums.skipped > 0 {
            return Exit::Interrupted;
        }
        if !sums.missing_shards.is_empty() {
            return Exit::Failed;
        }
        let errors = self.rows.iter().filter_map(|row| row.error.as_ref());
        let refused = errors.filter(|error| error.refused).count();
        Exit::from_rows(sums.rows, sums.failed, refused)
    }

    /// The rows of one status.
    pub(crate) fn of_status(&self, status: Status) -> impl Iterator<Item = &ReportRow> {
        self.rows.iter().filter(move |row| row.status == status)
    }
}

impl RunSums {
    /// Counts a row.
    pub(crate) fn count(&mut self, row: &ReportRow) {
        self.rows += 1;
        match row.status {
            Status::Copied => self.copied += 1,
            Status::Unchanged => self.unchanged += 1,
            Status::Skipped => self.skipped += 1,
            Status::Failed => self.failed += 1,
        }
    }
}

impl ReportRow {
    /// Creates the report of a row.
    fn new(CopiedRow { row, outcome }: &CopiedRow) -> Self {
        let row = &row.row;
        let tag = tag_or_digest(&row.source);
        let destination_tag = tag_or_digest(&row.destination);
        Self {
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
            moved: outcome.moved.as_ref().map(MovedTag::from),
        }
    }

    /// The image at the source, in full.
    pub(crate) fn source_image(&self) -> String {
        image(&self.source, &self.tag)
    }

    /// The image at the destination, in full.
    pub(crate) fn destination_image(&self) -> String {
        let tag = self.destination_tag.as_ref().unwrap_or(&self.tag);
        image(&self.destination, tag)
    }

    /// Where the source tag was pushed again and the row got what was approved.
    pub(crate) fn kept(&self) -> Option<&MovedTag> {
        self.moved
            .as_ref()
            .filter(|_| self.status != Status::Failed)
    }
}

fn image(repository: &str, tag: &str) -> String {
    // Only digests have a colon.
    let separator = if tag.contains(':') { '@' } else { ':' };
    format!("{repository}{separator}{tag}")
}

/// As in messages about a row that fails for it.
impl std::fmt::Display for MovedTag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (approved, now) = (self.approved.clone(), self.now.clone());
        Moved { approved, now }.fmt(f)
    }
}

fn write_status<S: Serializer>(status: &Status, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(status.as_str())
}

fn read_status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Status, D::Error> {
    const ALL: [Status; 4] = [
        Status::Copied,
        Status::Unchanged,
        Status::Skipped,
        Status::Failed,
    ];
    let word = String::deserialize(deserializer)?;
    let found = ALL.into_iter().find(|status| status.as_str() == word);
    found.ok_or_else(|| serde::de::Error::custom(format!("`{word}` is the status of no row")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::rows::copying::run::tests::{outcome, run_of};

    fn report(statuses: &[Status]) -> RunReport {
        RunReport::new(&run_of(statuses.iter().map(|s| outcome(*s)).collect()))
    }

    #[test]
    fn what_is_written_is_read_again() {
        let mut report = report(&[Status::Copied, Status::Failed, Status::Skipped]);
        let digest: Digest = format!("sha256:{}", "a".repeat(64)).parse().unwrap();
        report.rows[0].moved = Some(MovedTag {
            approved: digest.clone(),
            now: digest.clone(),
        });
        report.rows[0].digest = Some(digest);
        report.rows[0].destination_tag = Some("v2".to_owned());
        report.summary.shard = "2/3".parse().ok();
        report.summary.dry_run = true;
        let text = serde_json::to_string(&report).unwrap();
        let read: RunReport = serde_json::from_str(&text).unwrap();
        assert_eq!(read, report);
        assert_eq!(read.rows[0].destination_image(), "r.io/b/0:v2");
    }

    #[test]
    fn an_interrupt_beats_failures_and_a_missing_shard_is_one() {
        let mut report = report(&[Status::Failed, Status::Failed]);
        assert_eq!(report.exit(), Exit::AllFailed);
        for row in &mut report.rows {
            row.error.as_mut().unwrap().refused = true;
        }
        assert_eq!(report.exit(), Exit::Refused);
        report.summary.missing_shards = Shard::all(1).collect();
        assert_eq!(
            report.exit(),
            Exit::Failed,
            "why it is missing is not known"
        );
        report.summary.interrupted = true;
        assert_eq!(report.exit(), Exit::Interrupted);
    }

    #[test]
    fn a_digest_stands_behind_an_at() {
        let row = json!({
            "source": "q.io/a", "destination": "r.io/b", "tag": "sha256:12", "status": "copied",
            "digest": null, "bytes_copied": 0, "warnings": [], "error": null,
        });
        let row: ReportRow = serde_json::from_value(row).unwrap();
        assert_eq!(row.source_image(), "q.io/a@sha256:12");
        assert_eq!(row.destination_image(), "r.io/b@sha256:12");
    }

    #[test]
    fn the_document_has_the_keys_of_the_contract() {
        let mut run = run_of(vec![outcome(Status::Copied), outcome(Status::Failed)]);
        run.rows[0].outcome.warnings.push("w".to_owned());
        let document = serde_json::to_value(RunReport::new(&run)).unwrap();
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
        let document = serde_json::to_value(RunReport::new(&run)).unwrap();
        assert_eq!(document["summary"]["dry_run"], true);
        assert_eq!(document["summary"]["shard"], "2/4");
    }
}
