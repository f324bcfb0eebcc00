//! One report of several: of the shards of a run, or of runs over parts of a
//! list.

use std::collections::BTreeSet;
use std::collections::hash_map::{Entry, HashMap};

use crate::rows::copying::report::{ReportRow, RunReport, RunSums};
use crate::rows::shard::Shard;

/// Reports that cannot be those of one run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MergeError {
    /// Two runs did the same row.
    #[error("{image} is in {first} and in {second}, and not with the same result")]
    SameRow {
        /// The image at the destination.
        image: String,
        /// The file that was named first.
        first: String,
        /// The other.
        second: String,
    },
    /// Shards of divisions that do not fit together.
    #[error("{first} is of one of {of} shards, {second} of one of {other}")]
    Division {
        /// The file that was named first.
        first: String,
        /// Its number of shards.
        of: usize,
        /// The other.
        second: String,
        /// Its number.
        other: usize,
    },
    /// A run that wrote, and one that would have.
    #[error("{dry} is the report of a dry run, {other} is not")]
    DryRun {
        /// The one.
        dry: String,
        /// The other.
        other: String,
    },
}

/// Merges reports under the names of their files.
///
/// Rows come in the order of the files. Counts are summed up; the duration is
/// the longest, since shards run side by side. A file that says the same as an
/// earlier one counts once, and so does a row with the same result.
///
/// # Errors
///
/// [`MergeError`] where they cannot be of one run.
pub(crate) fn merge(files: &[(String, RunReport)]) -> Result<RunReport, MergeError> {
    let mut sums = RunSums::default();
    let mut rows: Vec<ReportRow> = Vec::new();
    let mut seen: HashMap<[&str; 3], (&ReportRow, &str)> = HashMap::new();
    for (at, (name, report)) in files.iter().enumerate() {
        if files[..at].iter().any(|(_, earlier)| earlier == report) {
            continue;
        }
        add(&mut sums, &report.summary);
        let mut own = Vec::new();
        for row in &report.rows {
            let tag = row.destination_tag.as_ref().unwrap_or(&row.tag);
            let key = [row.source.as_str(), row.destination.as_str(), tag.as_str()];
            match seen.entry(key) {
                Entry::Vacant(_) => own.push((key, row)),
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
        // A list may have a row twice: only other files' rows are the same.
        for (key, row) in own {
            seen.entry(key).or_insert((row, name));
            sums.count(row);
            rows.push(row.clone());
        }
    }
    sums.dry_run = mode(files)?;
    sums.missing_shards = missing(files)?;
    Ok(RunReport {
        summary: sums,
        rows,
    })
}

/// Adds what is not counted by rows.
fn add(sums: &mut RunSums, other: &RunSums) {
    let pairs = [
        (&mut sums.blobs_copied, other.blobs_copied),
        (&mut sums.blobs_mounted, other.blobs_mounted),
        (&mut sums.blobs_present, other.blobs_present),
        (&mut sums.bytes_copied, other.bytes_copied),
        (&mut sums.requests, other.requests),
    ];
    for (sum, more) in pairs {
        *sum = sum.saturating_add(more);
    }
    sums.duration_seconds = sums.duration_seconds.max(other.duration_seconds);
    sums.interrupted |= other.interrupted;
}

fn mode(files: &[(String, RunReport)]) -> Result<bool, MergeError> {
    let of = |dry: bool| {
        let found = files
            .iter()
            .find(|(_, report)| report.summary.dry_run == dry);
        found.map(|(name, _)| name.clone())
    };
    match (of(true), of(false)) {
        (Some(dry), Some(other)) => Err(MergeError::DryRun { dry, other }),
        (dry, _) => Ok(dry.is_some()),
    }
}

/// The shards of which no file is the report. Files without a shard are parts
/// of their own.
fn missing(files: &[(String, RunReport)]) -> Result<Vec<Shard>, MergeError> {
    let mut first: Option<(&str, usize)> = None;
    let mut there = BTreeSet::new();
    for (name, report) in files {
        let lacks = &report.summary.missing_shards;
        let Some(known) = report.summary.shard.or_else(|| lacks.first().copied()) else {
            continue;
        };
        let (name_of_first, of) = *first.get_or_insert((name, known.count()));
        if of != known.count() {
            return Err(MergeError::Division {
                first: name_of_first.to_owned(),
                of,
                second: name.clone(),
                other: known.count(),
            });
        }
        match report.summary.shard {
            Some(shard) => drop(there.insert(shard)),
            // Merged before, with some of them missing.
            None => there.extend(Shard::all(of).filter(|shard| !lacks.contains(shard))),
        }
    }
    let all = first.into_iter().flat_map(|(_, of)| Shard::all(of));
    Ok(all.filter(|shard| !there.contains(shard)).collect())
}

#[cfg(test)]
mod tests {
    use copier::Status;

    use super::*;
    use crate::cli::exit::Exit;
    use crate::rows::copying::run::tests::{outcome, run_of};

    /// Rows `r.io/PART-N:v1`.
    fn report(part: &str, statuses: &[Status]) -> (String, RunReport) {
        let run = run_of(statuses.iter().map(|status| outcome(*status)).collect());
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
    fn the_same_row_twice_is_once_or_an_error_that_names_both_files() {
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
        let want = "r.io/one-0:v1 is in one.json and in again.json, and not with the same result";
        assert_eq!(error, want);
    }

    #[test]
    fn a_row_that_a_list_has_twice_is_no_error() {
        let mut one = report("one", &[Status::Copied, Status::Unchanged]);
        one.1.rows[1].source = one.1.rows[0].source.clone();
        one.1.rows[1].destination = one.1.rows[0].destination.clone();
        assert_eq!(merge(&[one]).unwrap().summary.rows, 2);
    }

    #[test]
    fn a_shard_without_a_report_is_missing() {
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
    fn what_cannot_be_of_one_run() {
        let divided = merge(&[shard("a", "1/4"), shard("b", "2/3")]).unwrap_err();
        let want = "a.json is of one of 4 shards, b.json of one of 3";
        assert_eq!(divided.to_string(), want);
        let mut dry = report("dry", &[]);
        dry.1.summary.dry_run = true;
        let mixed = merge(&[report("wet", &[]), dry]).unwrap_err();
        assert_eq!(
            mixed.to_string(),
            "dry.json is the report of a dry run, wet.json is not"
        );
    }
}
