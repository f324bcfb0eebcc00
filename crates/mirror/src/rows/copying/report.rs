//! What a report says.

use std::ops::Not;

use copier::{Moved, Status};
use oci_spec::image::Digest;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::cli::exit::Exit;
use crate::rows::shard::Shard;

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

impl MovedTag {
    pub(crate) fn of(moved: &Moved) -> Self {
        Self {
            approved: moved.approved.clone(),
            now: moved.now.clone(),
        }
    }
}

impl RunReport {
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
        Exit::of_rows(sums.rows, sums.failed, refused)
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
        RunReport::of(&run_of(statuses.iter().map(|s| outcome(*s)).collect()))
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
}
