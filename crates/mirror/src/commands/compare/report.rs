//! The output of `compare`.

use std::fmt::{self, Display, Formatter};

use copier::{CompareStatus, CompareSummary, Comparison, Moved};
use image_name::{Digest, full_repository, tag_or_digest};
use registry_client::cut_sent_secrets;
use serde::Serialize;

use super::compared::{CompareRun, ComparedRow};
use super::verification::CopyVerification;
use crate::registries::signature_check::ReportVerification;
use crate::rows::copying::report::MovedTag;
use crate::rows::followed::ReportEntry;
use crate::rows::report_file::Provenance;
use crate::rows::shard::Shard;
use crate::terminal::hints;
use crate::terminal::units::{counted, short};

/// The JSON document of a comparison.
#[derive(Debug, Serialize)]
pub(crate) struct ComparedJson {
    summary: SummaryJson,
    #[serde(flatten)]
    provenance: Provenance,
    rows: Vec<RowJson>,
    /// Present only with followed entries.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    entries: Vec<ReportEntry>,
}

#[derive(Debug, Serialize)]
struct SummaryJson {
    rows: usize,
    same: usize,
    drift: usize,
    missing: usize,
    error: usize,
    skipped: usize,
    /// Present only with `--shard`.
    #[serde(skip_serializing_if = "Option::is_none")]
    shard: Option<Shard>,
}

#[derive(Debug, Serialize)]
struct RowJson {
    source: String,
    destination: String,
    tag: String,
    /// Present only if it differs from `tag`.
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_tag: Option<String>,
    /// The name of the destination's target.
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    status: &'static str,
    source_digest: Option<Digest>,
    destination_digest: Option<Digest>,
    platforms: Vec<PlatformJson>,
    /// Present only with `--arch-tags`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    arch_tags: Vec<ArchTagJson>,
    error: Option<ErrorJson>,
    /// Present only for a row of a followed entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<String>,
    /// Present only if the source tag has moved from the approved digest.
    #[serde(skip_serializing_if = "Option::is_none")]
    moved: Option<MovedTag>,
    /// Present only with `--verify`, if the copy has the signatures that the policy requires.
    #[serde(skip_serializing_if = "Option::is_none")]
    verification: Option<ReportVerification>,
    /// Present only with `--verify`, if the copy is not verified: the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    unverified: Option<String>,
}

#[derive(Debug, Serialize)]
struct PlatformJson {
    platform: Option<String>,
    digest: Digest,
    found: bool,
}

#[derive(Debug, Serialize)]
struct ArchTagJson {
    tag: String,
    digest: Digest,
    destination_digest: Option<Digest>,
}

#[derive(Debug, Serialize)]
struct ErrorJson {
    message: String,
    hint: Option<String>,
}

impl ComparedJson {
    /// Creates the document of a comparison.
    pub(crate) fn new(run: &CompareRun) -> Self {
        let CompareSummary {
            rows,
            same,
            drift,
            missing,
            error,
            skipped,
        } = run.summary;
        Self {
            summary: SummaryJson {
                rows,
                same,
                drift,
                missing,
                error,
                skipped,
                shard: run.shard,
            },
            provenance: run.provenance.clone(),
            rows: run.rows.iter().map(row_json).collect(),
            entries: run.entries.clone(),
        }
    }
}

fn row_json(compared_row: &ComparedRow) -> RowJson {
    let ComparedRow {
        row,
        comparison,
        verification,
    } = compared_row;
    let verification = match verification {
        Some(CopyVerification::Verified(verification)) => Some(verification.clone()),
        _ => None,
    };
    let unverified = compared_row.verification_problem().map(str::to_owned);
    let entry = row.entry();
    let target = row.target_name();
    let (row, compared) = (&row.row, comparison);
    let destination_tag = tag_or_digest(&row.destination);
    let platforms = compared.platforms.iter().map(|found| PlatformJson {
        platform: found.platform.as_ref().map(ToString::to_string),
        digest: found.digest.clone(),
        found: found.found,
    });
    let arch_tags = compared.arch_tags.iter().map(|found| ArchTagJson {
        tag: found.tag.clone(),
        digest: found.digest.clone(),
        destination_digest: found.found.clone(),
    });
    RowJson {
        source: full_repository(&row.source),
        destination: full_repository(&row.destination),
        tag: tag_or_digest(&row.source).to_owned(),
        destination_tag: (destination_tag != tag_or_digest(&row.source))
            .then(|| destination_tag.to_owned()),
        target,
        status: compared.status.as_str(),
        source_digest: compared.source_digest.clone(),
        destination_digest: compared.destination_digest.clone(),
        platforms: platforms.collect(),
        arch_tags: arch_tags.collect(),
        error: compared.error.as_ref().map(|error| ErrorJson {
            message: cut_sent_secrets(&error.message(row)).into_owned(),
            hint: hints::for_comparison(row, error),
        }),
        entry: entry.map(ToString::to_string),
        moved: compared.moved.as_ref().map(MovedTag::from),
        verification,
        unverified,
    }
}

/// The text of a comparison.
#[derive(Debug)]
pub(crate) struct ComparedText<'a> {
    run: &'a CompareRun,
    all: bool,
}

/// Maximum lines in a step summary, which GitHub limits to 1 MiB.
const BRIEF: usize = 300;

impl<'a> ComparedText<'a> {
    /// Creates the text. `all` lists identical rows too.
    pub(crate) fn new(run: &'a CompareRun, all: bool) -> Self {
        Self { run, all }
    }

    /// Returns the first lines and the totals, for a step summary.
    pub(crate) fn brief(&self) -> String {
        let text = self.to_string();
        let lines: Vec<&str> = text.lines().collect();
        let Some((totals, rows)) = lines.split_last() else {
            return text;
        };
        let mut brief: Vec<&str> = rows.iter().take(BRIEF).copied().collect();
        if rows.len() > BRIEF {
            brief.push("…");
        }
        brief.push(totals);
        brief.join("\n") + "\n"
    }
}

impl Display for ComparedText<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for row in &self.run.rows {
            let compared = &row.comparison;
            let is_moved = compared.moved.is_some();
            let problem = row.verification_problem();
            if self.all || is_moved || problem.is_some() || compared.status != CompareStatus::Same {
                write_row(f, row)?;
            }
            if let Some(problem) = problem {
                writeln!(f, "         {problem}")?;
            }
        }
        for lines in self
            .run
            .entries
            .iter()
            .filter_map(ReportEntry::failure_lines)
        {
            f.write_str(&lines)?;
        }
        let summary = &self.run.summary;
        if let Some(shard) = self.run.shard {
            write!(f, "shard {shard}: ")?;
        }
        write!(f, "{}: {} same", counted(summary.rows, "row"), summary.same)?;
        write!(f, ", {} drifted", summary.drift)?;
        write!(f, ", {} missing", summary.missing)?;
        let unverified = self.run.rows.iter();
        match unverified
            .filter(|row| row.verification_problem().is_some())
            .count()
        {
            0 => {}
            unverified => write!(f, ", {unverified} not verified")?,
        }
        f.write_str(&ReportEntry::failed_sum(&self.run.entries))?;
        if summary.error > 0 {
            write!(f, ", {} with errors", summary.error)?;
        }
        match summary.skipped {
            0 => writeln!(f),
            skipped => writeln!(f, ", {skipped} skipped"),
        }
    }
}

/// Writes the platforms and tags that the destination lacks.
fn write_missing(f: &mut Formatter<'_>, compared: &Comparison) -> fmt::Result {
    for found in compared.platforms.iter().filter(|found| !found.found) {
        let platform = found
            .platform
            .as_ref()
            .map_or_else(|| "no platform".to_owned(), ToString::to_string);
        writeln!(
            f,
            "          missing {platform}, {}",
            short(found.digest.as_ref())
        )?;
    }
    for tag in &compared.arch_tags {
        match &tag.found {
            None => writeln!(f, "          missing tag {}", tag.tag)?,
            Some(found) if *found != tag.digest => {
                writeln!(
                    f,
                    "          tag {} is {}, expected {}",
                    tag.tag,
                    short(found.as_ref()),
                    short(tag.digest.as_ref())
                )?;
            }
            Some(_) => {}
        }
    }
    Ok(())
}

fn write_row(f: &mut Formatter<'_>, compared: &ComparedRow) -> fmt::Result {
    let ComparedRow {
        row, comparison, ..
    } = compared;
    let (row, compared) = (&row.row, comparison);
    let word = compared.status.as_str();
    writeln!(f, "{word:<8}  {} -> {}", row.source, row.destination)?;
    if compared.status == CompareStatus::Drift {
        let digest = |digest: &Option<Digest>| {
            digest
                .as_ref()
                .map_or_else(|| "none".to_owned(), |digest| short(digest.as_ref()))
        };
        let (source, destination) = (
            digest(&compared.source_digest),
            digest(&compared.destination_digest),
        );
        let source = match &compared.moved {
            Some(_) => format!("{source} is approved"),
            None => format!("the source has {source}"),
        };
        writeln!(f, "          {source}, the destination has {destination}")?;
    }
    if let Some(Moved { approved, now }) = &compared.moved {
        let (approved, now) = (short(approved.as_ref()), short(now.as_ref()));
        writeln!(
            f,
            "          the source tag has moved: {approved} is approved, {now} is at the source"
        )?;
        writeln!(f, "          hint: {}", hints::for_moved_row(row))?;
    }
    write_missing(f, compared)?;
    if let Some(error) = &compared.error {
        writeln!(f, "          {}", error.message(row))?;
        if let Some(hint) = hints::for_comparison(row, error) {
            writeln!(f, "          hint: {hint}")?;
        }
    }
    Ok(())
}
