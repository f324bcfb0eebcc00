//! The table of `usage`.

use std::fmt::{self, Display, Formatter};

use super::report::{ImageJson, UsageReport};
use crate::terminal::units::{counted, short};

/// Maximum number of owners in a line.
const OWNERS: usize = 2;

/// The text of the report.
#[derive(Debug)]
pub(super) struct UsageText<'a> {
    /// The report.
    pub(super) report: &'a UsageReport,
    /// List mirrored images, images on nodes only and ignored images too.
    pub(super) all: bool,
    /// List unused rows.
    pub(super) unused: bool,
}

/// The words of the statuses, in the order of the table.
const WORDS: [(&str, &str); 6] = [
    ("not_listed", "not in the list"),
    ("not_from_mirror", "not from mirror"),
    ("other_digest", "other digest"),
    ("not_at_mirror", "not at mirror"),
    ("mirrored", "mirrored"),
    ("on_nodes_only", "on nodes only"),
];

impl Display for UsageText<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (status, word) in WORDS {
            let is_good = matches!(status, "mirrored" | "on_nodes_only");
            for image in self
                .report
                .images
                .iter()
                .filter(|image| image.status == status)
            {
                let is_shown = !image.ignored && (!is_good || !image.lacking_platforms.is_empty());
                if is_shown || self.all {
                    write_image(f, word, image)?;
                }
            }
        }
        if self.unused {
            for row in &self.report.unused {
                let (source, destination) = (row.source_name(), row.destination_name());
                writeln!(f, "{:<15}  {source} -> {destination}", "unused row")?;
            }
        }
        for problem in &self.report.problems {
            let place = problem.place.as_ref().map(|place| format!("  {place}"));
            let place = place.unwrap_or_default();
            writeln!(
                f,
                "{:<15}  {}{place}: {}",
                "problem", problem.image, problem.message
            )?;
        }
        self.write_sums(f)
    }
}

fn write_image(f: &mut Formatter<'_>, word: &str, image: &ImageJson) -> fmt::Result {
    write!(f, "{word:<15}  {}", image.image)?;
    let ignored = if image.ignored { "  ignored" } else { "" };
    f.write_str(ignored)?;
    for used in image.used_by.iter().take(OWNERS) {
        write!(f, "  {used}")?;
    }
    match image.used_by.len() {
        0 => write!(f, "  {}", counted(image.nodes, "node"))?,
        owners if owners > OWNERS => write!(f, "  and {} more", owners - OWNERS)?,
        _ => {}
    }
    writeln!(f)?;
    let detail = |f: &mut Formatter<'_>, text: &str| writeln!(f, "{:<15}  {text}", "");
    match image.status {
        "not_from_mirror" => {
            let mirrored = image
                .rows
                .iter()
                .map(super::report::RowJson::destination_name);
            let mirrored: Vec<_> = mirrored.collect();
            detail(f, &format!("use {}", mirrored.join(" or ")))?;
        }
        "not_listed" if image.other_tag => detail(f, "the list has other tags of the repository")?,
        _ => {}
    }
    if !image.other_digests.is_empty() {
        let used: Vec<_> = image
            .other_digests
            .iter()
            .map(|digest| short(digest))
            .collect();
        let approved = image.rows.iter().filter_map(|row| row.approved.as_ref());
        let mut approved: Vec<_> = approved.map(|digest| short(digest)).collect();
        approved.dedup();
        let text = format!(
            "uses {}; approved is {}",
            used.join(", "),
            approved.join(", ")
        );
        detail(f, &text)?;
    }
    if !image.lacking_platforms.is_empty() {
        let lacking = image.lacking_platforms.join(", ");
        detail(
            f,
            &format!("nodes need {lacking}, which the mirror does not have"),
        )?;
    }
    Ok(())
}

impl UsageText<'_> {
    fn write_sums(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let sums = &self.report.summary;
        write!(
            f,
            "{}: {} mirrored",
            counted(sums.images, "image"),
            sums.mirrored
        )?;
        write!(f, ", {} not from the mirror", sums.not_from_mirror)?;
        write!(f, ", {} not in the list", sums.not_listed)?;
        write!(f, ", {} with another digest", sums.other_digest)?;
        if sums.registry {
            write!(f, ", {} not at the mirror", sums.not_at_mirror)?;
        }
        if sums.on_nodes_only > 0 {
            write!(f, ", {} on nodes only", sums.on_nodes_only)?;
        }
        if sums.lacking_platforms > 0 {
            write!(
                f,
                "; {} without a platform of nodes",
                sums.lacking_platforms
            )?;
        }
        let rows = counted(sums.rows, "row");
        writeln!(
            f,
            "\n{rows}: {} used, {} used nowhere",
            sums.rows - sums.unused,
            sums.unused
        )
    }
}
