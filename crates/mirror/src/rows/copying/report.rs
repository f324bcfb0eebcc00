//! The report of a run, with its JSON keys.

use std::ops::Not;

use copier::{Moved, Status};
use image_name::Digest;
use registry_client::cut_sent_secrets;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::attached::ReportAttached;
use super::pulls::ReportPulls;
use super::run::{CopiedRow, CopyRun, Ending, Mode};
use crate::cli::exit::Exit;
use crate::registries::named_image::tag_separator;
use crate::registries::signature_check::ReportVerification;
use crate::rows::followed::ReportEntry;
use crate::rows::shard::Shard;
use crate::terminal::hints;

/// The report of a run. Readers ignore unknown keys, and use the default for keys that older versions
/// did not write.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RunReport {
    /// The sums.
    pub(crate) summary: RunSums,
    /// The program that wrote the report, with its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tool: Option<String>,
    /// The start of the run, RFC 3339 in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) started: Option<String>,
    /// The rows, in the order of the list, then those of followed entries.
    pub(crate) rows: Vec<ReportRow>,
    /// The followed entries of the configuration.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) entries: Vec<ReportEntry>,
    /// The bundle of `mirror import`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) bundle: Option<ReportBundle>,
}

/// The bundle of an import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReportBundle {
    /// The digest of its `mirror.json`, whose first twelve digits are the receipt.
    pub(crate) identity: String,
    /// `unsigned`, `unverified` or `verified`.
    pub(crate) signature: String,
    /// The number of contents that it requires from the destination.
    pub(crate) requires: usize,
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
    /// The pulls from registries with a quota or `--max-pulls`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) pulls: Vec<ReportPulls>,
    /// The repositories and projects that were created, `HOST/NAME`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) created: Vec<String>,
    /// The repositories whose description was set, `HOST/NAME`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) described: Vec<String>,
    pub(crate) duration_seconds: f64,
    /// The run was a dry run.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub(crate) dry_run: bool,
    /// A signal ended the run early.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub(crate) interrupted: bool,
    /// The shard of a run with `--shard`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) shard: Option<Shard>,
    /// The shards without a report, in a merged report.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) missing_shards: Vec<Shard>,
}

/// The outcome of a row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ReportRow {
    /// The source repository with its host.
    pub(crate) source: String,
    /// The destination repository with its host.
    pub(crate) destination: String,
    /// The tag, or a digest.
    pub(crate) tag: String,
    /// The tag at the destination, if it differs from `tag`: `mirror copy` can rename.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) destination_tag: Option<String>,
    /// The name of the destination's target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) target: Option<String>,
    #[serde(serialize_with = "write_status", deserialize_with = "read_status")]
    pub(crate) status: Status,
    pub(crate) digest: Option<Digest>,
    /// The digest that the tag had before, if the row gave it another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) replaced: Option<Digest>,
    pub(crate) bytes_copied: u64,
    pub(crate) warnings: Vec<String>,
    pub(crate) error: Option<Box<ReportError>>,
    /// The digests of a source tag that has moved since its approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) moved: Option<MovedTag>,
    /// The followed entry that gives the row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) entry: Option<String>,
    /// The digest that the list pins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pin: Option<Digest>,
    /// The attached content that is not as the lock says.
    #[serde(default, skip_serializing_if = "ReportAttached::is_empty")]
    pub(crate) attached: ReportAttached,
    /// The signature for which the policy let the image enter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) verification: Option<Box<ReportVerification>>,
}

/// The cause of a failed row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReportError {
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
    /// A registry refused the credentials.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub(crate) refused: bool,
}

/// The digests of a source tag that has moved.
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
        let rows = run.rows.iter();
        Self {
            rows: rows.map(|row| ReportRow::new(row, run)).collect(),
            ..Self::without_rows(run)
        }
    }

    /// Creates the report of a run, and drops each of its rows: a long list takes much memory twice.
    pub(crate) fn consume(mut run: CopyRun) -> Self {
        let report = Self::without_rows(&run);
        let rows = std::mem::take(&mut run.rows).into_iter();
        Self {
            rows: rows.map(|row| ReportRow::new(&row, &run)).collect(),
            ..report
        }
    }

    fn without_rows(run: &CopyRun) -> Self {
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
                pulls: run
                    .pulls
                    .iter()
                    .map(|pulls| ReportPulls::new(pulls, run))
                    .collect(),
                created: run.vendor_changes.created.clone(),
                described: run.vendor_changes.described.clone(),
                duration_seconds: milliseconds / 1000.0,
                dry_run: run.mode == Mode::DryRun,
                interrupted: run.ending == Ending::Interrupted,
                shard: run.shard,
                missing_shards: Vec::new(),
            },
            tool: Some(run.provenance.tool.clone()),
            started: Some(run.provenance.started.clone()),
            rows: Vec::new(),
            entries: run.entries.clone(),
            bundle: None,
        }
    }

    /// Returns the exit code of the run. A merged report counts as one run.
    pub(crate) fn exit(&self) -> Exit {
        let sums = &self.summary;
        // Older versions did not write `interrupted`, and skipped rows for no other reason.
        let left = self.left().count();
        if sums.interrupted || sums.skipped > left {
            return Exit::Interrupted;
        }
        if !sums.missing_shards.is_empty() {
            return Exit::Failed;
        }
        let errors = self.rows.iter().filter_map(|row| row.error.as_ref());
        let refused = errors.filter(|error| error.refused).count();
        let (failed_entries, refused_entries) = ReportEntry::failures(&self.entries);
        let exit = match failed_entries {
            0 => Exit::from_rows(sums.rows, sums.failed, refused),
            _ if failed_entries + sums.failed == refused_entries + refused => Exit::Refused,
            _ if sums.failed > 0 && sums.failed == sums.rows => Exit::AllFailed,
            _ => Exit::Failed,
        };
        exit.max(Exit::from_findings(left > 0))
    }

    /// Returns the rows that are left for the next run, with the reason.
    pub(crate) fn left(&self) -> impl Iterator<Item = &ReportRow> {
        let skipped = self.of_status(Status::Skipped);
        skipped.filter(|row| row.error.is_some())
    }

    /// Returns the word for the outcome of a row.
    pub(crate) fn word(&self, row: &ReportRow) -> &'static str {
        match (row.status, row.replaced.is_some(), self.summary.dry_run) {
            (Status::Copied, false, true) => "would copy",
            (Status::Copied, true, true) => "would replace",
            (Status::Copied, true, false) => "replaced",
            (status, ..) => status.as_str(),
        }
    }

    /// Returns the number of copied rows whose tag had other content.
    pub(crate) fn replaced(&self) -> usize {
        let copied = self.of_status(Status::Copied);
        copied.filter(|row| row.replaced.is_some()).count()
    }

    /// Returns the rows with a status.
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
    fn new(CopiedRow { row, outcome }: &CopiedRow, run: &CopyRun) -> Self {
        let (run_row, row) = (row, &row.row);
        let target = run_row.target_name();
        let pinned = row.approved.as_ref().filter(|approved| approved.pinned);
        let names = run_row.names();
        let (tag, destination_tag) = (names.source.tag(), names.destination.tag());
        let signatures = run.signatures.as_ref().zip(outcome.admitted.as_ref());
        let verification = signatures
            .and_then(|(signatures, digest)| signatures.verification(&row.source, digest));
        Self {
            source: names.source.repository(),
            destination: names.destination.repository(),
            tag: tag.to_owned(),
            destination_tag: (destination_tag != tag).then(|| destination_tag.to_owned()),
            target,
            status: outcome.status,
            digest: outcome.digest.clone(),
            replaced: outcome.replaced.clone(),
            bytes_copied: outcome.bytes_copied,
            warnings: outcome.warnings.clone(),
            error: outcome.error.as_ref().map(|error| {
                Box::new(ReportError {
                    message: cut_sent_secrets(&run_row.message(error)).into_owned(),
                    hint: run_row.hint(error),
                    refused: error
                        .request_error()
                        .is_some_and(registry_client::Error::is_refused),
                })
            }),
            moved: outcome.moved.as_deref().map(MovedTag::from),
            entry: run_row.entry().map(ToString::to_string),
            pin: pinned.map(|approved| approved.digest.clone()),
            attached: ReportAttached::new(outcome.attached()),
            verification: verification.map(Box::new),
        }
    }

    /// Returns the hint for a source tag, or a signature, that has moved from its approval.
    pub(crate) fn moved_hint(&self) -> String {
        match (&self.pin, &self.moved) {
            (Some(_), Some(moved)) => hints::for_pinned_tag(&self.tag, moved.now.as_ref()),
            _ => hints::for_moved_tag(&self.source, &self.tag),
        }
    }

    /// Returns the full name of the source image.
    pub(crate) fn source_image(&self) -> String {
        image(&self.source, &self.tag)
    }

    /// Returns the full name of the destination image.
    pub(crate) fn destination_image(&self) -> String {
        let tag = self.destination_tag.as_ref().unwrap_or(&self.tag);
        image(&self.destination, tag)
    }

    /// Returns the digests of a moved source tag if the row kept the approved image.
    pub(crate) fn kept(&self) -> Option<&MovedTag> {
        self.moved
            .as_ref()
            .filter(|_| self.status != Status::Failed)
    }
}

fn image(repository: &str, tag: &str) -> String {
    if tag.is_empty() {
        return repository.to_owned();
    }
    let separator = tag_separator(tag);
    format!("{repository}{separator}{tag}")
}

/// The same message as that of a row that fails because its source tag has moved.
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
    found.ok_or_else(|| serde::de::Error::custom(format!("unknown status `{word}`")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::rows::copying::run::tests::{outcome, run_with};
    use crate::rows::followed::ReportEntryError;

    fn report(statuses: &[Status]) -> RunReport {
        RunReport::new(&run_with(statuses.iter().map(|s| outcome(*s)).collect()))
    }

    #[test]
    fn report_survives_a_round_trip() {
        let mut report = report(&[Status::Copied, Status::Failed, Status::Skipped]);
        let digest: Digest = format!("sha256:{}", "a".repeat(64)).parse().unwrap();
        report.rows[0].moved = Some(MovedTag {
            approved: digest.clone(),
            now: digest.clone(),
        });
        report.rows[0].replaced = Some(digest.clone());
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
    fn exit_code_prefers_an_interrupt_and_counts_a_missing_shard_as_failure() {
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
            "the cause of a missing report is unknown"
        );
        report.summary.interrupted = true;
        assert_eq!(report.exit(), Exit::Interrupted);
    }

    #[test]
    fn exit_code_counts_entries_that_failed() {
        let entry = |refused| ReportEntry {
            entry: "etcd".to_owned(),
            rows: 0,
            error: Some(ReportEntryError {
                refused,
                ..ReportEntryError::new("down".to_owned())
            }),
        };
        for (statuses, refused, want) in [
            (&[][..], false, Exit::Failed),
            (&[Status::Copied], false, Exit::Failed),
            (&[Status::Copied, Status::Failed], false, Exit::Failed),
            (&[Status::Failed], false, Exit::AllFailed),
            (&[], true, Exit::Refused),
            (&[Status::Copied], true, Exit::Refused),
            (&[Status::Copied, Status::Failed], true, Exit::Failed),
        ] {
            let mut report = report(statuses);
            report.entries = vec![entry(refused)];
            assert_eq!(report.exit(), want, "{statuses:?}, {refused}");
        }
    }

    #[test]
    fn digests_follow_an_at_sign() {
        let row = json!({
            "source": "q.io/a", "destination": "r.io/b", "tag": "sha256:12", "status": "copied",
            "digest": null, "bytes_copied": 0, "warnings": [], "error": null,
        });
        let row: ReportRow = serde_json::from_value(row).unwrap();
        assert_eq!(row.source_image(), "q.io/a@sha256:12");
        assert_eq!(row.destination_image(), "r.io/b@sha256:12");
    }

    #[test]
    fn report_has_the_documented_keys() {
        let mut run = run_with(vec![outcome(Status::Copied), outcome(Status::Failed)]);
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
    fn report_of_a_dry_run_and_a_shard_has_their_keys() {
        let mut run = run_with(Vec::new());
        run.mode = Mode::DryRun;
        run.shard = "2/4".parse().ok();
        let document = serde_json::to_value(RunReport::new(&run)).unwrap();
        assert_eq!(document["summary"]["dry_run"], true);
        assert_eq!(document["summary"]["shard"], "2/4");
    }
}
