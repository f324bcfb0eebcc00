//! Merging the reports of the shards of a run, or of runs over parts of a list.

use std::collections::BTreeSet;
use std::collections::hash_map::{Entry, HashMap};

use crate::rows::copying::report::{ReportRow, RunReport, RunSums};
use crate::rows::followed::ReportEntry;
use crate::rows::report_file::tool;
use crate::rows::shard::Shard;

/// The error for reports that do not belong to one run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MergeError {
    /// Two reports have different results for one row.
    #[error("{first} and {second} have different results for {image}")]
    SameRow {
        /// The image at the destination.
        image: String,
        /// The file that was named first.
        first: String,
        /// The file that was named second.
        second: String,
    },
    /// Two different reports are of one shard.
    #[error("{first} and {second} are both reports of shard {shard}")]
    SameShard {
        /// The shard.
        shard: Shard,
        /// The file that was named first.
        first: String,
        /// The file that was named second.
        second: String,
    },
    /// Two reports have different numbers of shards.
    #[error("{first} is one of {of} shards, but {second} is one of {other}")]
    ShardCount {
        /// The file that was named first.
        first: String,
        /// The number of shards in `first`.
        of: usize,
        /// The file that was named second.
        second: String,
        /// The number of shards in `second`.
        other: usize,
    },
    /// Only some reports are of dry runs.
    #[error("{dry} is the report of a dry run, but {other} is not")]
    DryRun {
        /// The report of a dry run.
        dry: String,
        /// The report of another run.
        other: String,
    },
}

/// Merges reports, each given with the name of its file.
///
/// Rows keep the order of the files. Counts are added; the duration is the longest, because shards
/// run concurrently. Equal reports, and equal rows of different reports, count once.
///
/// # Errors
///
/// [`MergeError`] for reports that do not belong to one run.
pub(crate) fn merge(files: &[(String, RunReport)]) -> Result<RunReport, MergeError> {
    refuse_same_shard(files)?;
    let mut sums = RunSums::default();
    let mut rows: Vec<ReportRow> = Vec::new();
    let mut seen: HashMap<[&str; 3], (&ReportRow, &str)> = HashMap::new();
    for (at, (name, report)) in files.iter().enumerate() {
        if files[..at].iter().any(|(_, earlier)| earlier == report) {
            continue;
        }
        add_counts(&mut sums, &report.summary);
        let mut new = Vec::new();
        for row in &report.rows {
            let tag = row.destination_tag.as_ref().unwrap_or(&row.tag);
            let key = [row.source.as_str(), row.destination.as_str(), tag.as_str()];
            match seen.entry(key) {
                Entry::Vacant(_) => new.push((key, row)),
                Entry::Occupied(earlier) if *earlier.get().0 == *row => {}
                Entry::Occupied(earlier) => {
                    return Err(MergeError::SameRow {
                        image: row.destination_image(),
                        first: earlier.get().1.to_owned(),
                        second: name.clone(),
                    });
                }
            }
        }
        // A list may have duplicate rows, so rows are compared only with those of other files.
        for (key, row) in new {
            seen.entry(key).or_insert((row, name));
            sums.count(row);
            rows.push(row.clone());
        }
    }
    let entries = merged_entries(files);
    sums.dry_run = is_dry_run(files)?;
    sums.missing_shards = missing_shards(files)?;
    // The times of one form and zone are ordered like their texts.
    let started = files
        .iter()
        .filter_map(|(_, report)| report.started.clone());
    Ok(RunReport {
        summary: sums,
        tool: Some(tool()),
        started: started.min(),
        rows,
        bundle: None,
        entries,
    })
}

/// Refuses different reports of one shard, such as those of a run and of its repetition: their counts would be
/// added.
fn refuse_same_shard(files: &[(String, RunReport)]) -> Result<(), MergeError> {
    let mut seen: HashMap<Shard, &(String, RunReport)> = HashMap::new();
    for file in files {
        let (name, report) = file;
        let Some(shard) = report.summary.shard else {
            continue;
        };
        match seen.entry(shard) {
            Entry::Vacant(entry) => drop(entry.insert(file)),
            Entry::Occupied(earlier) if earlier.get().1 == *report => {}
            Entry::Occupied(earlier) => {
                return Err(MergeError::SameShard {
                    shard,
                    first: earlier.get().0.clone(),
                    second: name.clone(),
                });
            }
        }
    }
    Ok(())
}

/// Returns the followed entries of all reports, each once. Shards query an entry independently; one that
/// failed in a shard has failed.
fn merged_entries(files: &[(String, RunReport)]) -> Vec<ReportEntry> {
    let mut entries: Vec<ReportEntry> = Vec::new();
    for entry in files.iter().flat_map(|(_, report)| &report.entries) {
        match entries.iter_mut().find(|known| known.entry == entry.entry) {
            None => entries.push(entry.clone()),
            Some(known) => {
                known.rows = known.rows.max(entry.rows);
                known.error = known.error.take().or_else(|| entry.error.clone());
            }
        }
    }
    entries
}

/// Adds the counts that are not counted by row.
fn add_counts(sums: &mut RunSums, other: &RunSums) {
    let counts = [
        (&mut sums.blobs_copied, other.blobs_copied),
        (&mut sums.blobs_mounted, other.blobs_mounted),
        (&mut sums.blobs_present, other.blobs_present),
        (&mut sums.bytes_copied, other.bytes_copied),
        (&mut sums.requests, other.requests),
    ];
    for (sum, count) in counts {
        *sum = sum.saturating_add(count);
    }
    for pulls in &other.pulls {
        let known = sums.pulls.iter_mut();
        match known
            .into_iter()
            .find(|known| known.registry == pulls.registry)
        {
            Some(known) => known.add(pulls),
            None => sums.pulls.push(pulls.clone()),
        }
    }
    for (all, names) in [
        (&mut sums.created, &other.created),
        (&mut sums.described, &other.described),
    ] {
        all.extend(names.iter().cloned());
        all.sort_unstable();
        // Shards share a project.
        all.dedup();
    }
    sums.duration_seconds = sums.duration_seconds.max(other.duration_seconds);
    sums.interrupted |= other.interrupted;
}

fn is_dry_run(files: &[(String, RunReport)]) -> Result<bool, MergeError> {
    let first = |dry_run: bool| {
        let found = files
            .iter()
            .find(|(_, report)| report.summary.dry_run == dry_run);
        found.map(|(name, _)| name.clone())
    };
    match (first(true), first(false)) {
        (Some(dry), Some(other)) => Err(MergeError::DryRun { dry, other }),
        (dry, _) => Ok(dry.is_some()),
    }
}

/// Returns the shards without a report. Reports of runs without `--shard` do not count.
fn missing_shards(files: &[(String, RunReport)]) -> Result<Vec<Shard>, MergeError> {
    let mut first: Option<(&str, usize)> = None;
    let mut present = BTreeSet::new();
    for (name, report) in files {
        let missing = &report.summary.missing_shards;
        let Some(shard) = report.summary.shard.or_else(|| missing.first().copied()) else {
            continue;
        };
        let (first_name, of) = *first.get_or_insert((name, shard.count()));
        if of != shard.count() {
            return Err(MergeError::ShardCount {
                first: first_name.to_owned(),
                of,
                second: name.clone(),
                other: shard.count(),
            });
        }
        match report.summary.shard {
            Some(shard) => drop(present.insert(shard)),
            // An incomplete merge has all shards except the missing ones.
            None => present.extend(Shard::all(of).filter(|shard| !missing.contains(shard))),
        }
    }
    let all = first.into_iter().flat_map(|(_, of)| Shard::all(of));
    Ok(all.filter(|shard| !present.contains(shard)).collect())
}

#[cfg(test)]
mod tests {
    use copier::Status;

    use super::*;
    use crate::cli::exit::Exit;
    use crate::rows::copying::run::tests::{outcome, run_with};
    use crate::rows::followed::ReportEntryError;

    /// Returns a report with the destinations `r.io/PART-N:v1`.
    fn report(part: &str, statuses: &[Status]) -> (String, RunReport) {
        let run = run_with(statuses.iter().map(|status| outcome(*status)).collect());
        let mut report = RunReport::new(&run);
        for (number, row) in report.rows.iter_mut().enumerate() {
            row.destination = format!("r.io/{part}-{number}");
        }
        (format!("{part}.json"), report)
    }

    fn shard(part: &str, shard: &str) -> (String, RunReport) {
        let (name, mut report) = report(part, &[Status::Copied]);
        report.summary.shard = shard.parse().ok();
        (name, report)
    }

    #[test]
    fn counts_are_summed_and_rows_stand_in_the_order_of_the_files() {
        let mut one = report("one", &[Status::Copied, Status::Failed]);
        let mut two = report("two", &[Status::Unchanged]);
        (one.1.summary.bytes_copied, two.1.summary.bytes_copied) = (5, 7);
        (
            one.1.summary.duration_seconds,
            two.1.summary.duration_seconds,
        ) = (1.0, 3.0);
        let merged = merge(&[two, one]).unwrap();
        let destinations: Vec<_> = merged.rows.iter().map(|row| &row.destination).collect();
        assert_eq!(destinations, ["r.io/two-0", "r.io/one-0", "r.io/one-1"]);
        let sums = &merged.summary;
        assert_eq!(
            (sums.rows, sums.copied, sums.unchanged, sums.failed),
            (3, 1, 1, 1)
        );
        assert_eq!((sums.bytes_copied, sums.requests), (12, 14));
        assert!((sums.duration_seconds - 3.0).abs() < f64::EPSILON);
        assert_eq!(merged.exit(), Exit::Failed);
    }

    #[test]
    fn row_in_two_reports_counts_once_if_the_results_are_equal() {
        let one = report("one", &[Status::Copied]);
        let again = ("again.json".to_owned(), one.1.clone());
        let merged = merge(&[one.clone(), again.clone()]).unwrap();
        assert_eq!((merged.summary.rows, merged.summary.requests), (1, 7));
        let mut longer = again.clone();
        longer
            .1
            .rows
            .extend(report("two", &[Status::Copied]).1.rows);
        let merged = merge(&[one.clone(), longer]).unwrap();
        assert_eq!((merged.summary.rows, merged.summary.copied), (2, 2));
        let mut other = again;
        other.1.rows[0].status = Status::Unchanged;
        let error = merge(&[one, other]).unwrap_err().to_string();
        let want = "one.json and again.json have different results for r.io/one-0:v1";
        assert_eq!(error, want);
    }

    #[test]
    fn duplicate_rows_in_one_report_are_kept() {
        let mut one = report("one", &[Status::Copied, Status::Unchanged]);
        one.1.rows[1].source = one.1.rows[0].source.clone();
        one.1.rows[1].destination = one.1.rows[0].destination.clone();
        assert_eq!(merge(&[one]).unwrap().summary.rows, 2);
    }

    #[test]
    fn shard_without_a_report_is_missing() {
        let text = |report: &RunReport| {
            let missing = report.summary.missing_shards.iter();
            missing
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(" ")
        };
        let merged = merge(&[shard("a", "1/4"), shard("c", "3/4")]).unwrap();
        assert_eq!(text(&merged), "2/4 4/4");
        assert_eq!(merged.exit(), Exit::Failed);
        let merged = ("merged".to_owned(), merged);
        let merged = merge(&[merged, shard("b", "2/4")]).unwrap();
        assert_eq!(text(&merged), "4/4");
        let merged = ("merged".to_owned(), merged);
        let whole = merge(&[merged, shard("d", "4/4"), report("x", &[])]).unwrap();
        assert_eq!((text(&whole), whole.exit()), (String::new(), Exit::Done));
        assert_eq!(whole.summary.rows, 4);
    }

    #[test]
    fn different_reports_of_one_shard_are_an_error_that_names_them() {
        let (again, other) = (shard("a", "1/4"), shard("b", "1/4"));
        assert!(merge(&[shard("a", "1/4"), again]).is_ok(), "equal reports");
        let error = merge(&[shard("a", "1/4"), shard("c", "2/4"), other]).unwrap_err();
        let message = "a.json and b.json are both reports of shard 1/4";
        assert_eq!(error.to_string(), message);
    }

    #[test]
    fn reports_of_different_shard_counts_or_modes_are_errors() {
        let error = merge(&[shard("a", "1/4"), shard("b", "2/3")]).unwrap_err();
        let want = "a.json is one of 4 shards, but b.json is one of 3";
        assert_eq!(error.to_string(), want);
        let mut dry = report("dry", &[]);
        dry.1.summary.dry_run = true;
        let mixed = merge(&[report("wet", &[]), dry]).unwrap_err();
        assert_eq!(
            mixed.to_string(),
            "dry.json is the report of a dry run, but wet.json is not"
        );
    }

    #[test]
    fn entry_that_failed_in_a_shard_has_failed() {
        let entry = |rows, error: Option<&str>| ReportEntry {
            entry: "etcd".to_owned(),
            rows,
            error: error.map(|message| ReportEntryError::new(message.to_owned())),
        };
        let (mut one, mut two) = (shard("a", "1/2"), shard("b", "2/2"));
        one.1.entries = vec![entry(5, None)];
        two.1.entries = vec![entry(0, Some("down"))];
        let merged = merge(&[one, two]).unwrap();
        assert_eq!(merged.entries, [entry(5, Some("down"))]);
        assert_eq!(merged.exit(), Exit::Failed);
    }
}
