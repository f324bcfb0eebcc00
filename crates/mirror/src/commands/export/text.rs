//! The report of an export as text: the rows, then failures with their hints, then the sums.

use std::fmt::{self, Display, Formatter};

use super::report::{ExportError, ExportReport, ExportRow, ReportBundle};
use crate::terminal::units::{bytes, counted};

/// Maximum exported rows that are listed without `-v`.
const MAX_LISTED: usize = 30;

/// The text of a report.
#[derive(Debug)]
pub(super) struct ExportText<'a> {
    report: &'a ExportReport,
    all: bool,
}

impl<'a> ExportText<'a> {
    /// Creates the text. With `all`, every row is listed.
    pub(super) fn new(report: &'a ExportReport, all: bool) -> Self {
        Self { report, all }
    }
}

impl Display for ExportText<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let sums = &self.report.summary;
        let lists_exported = self.all || sums.dry_run || sums.exported <= MAX_LISTED;
        for row in &self.report.rows {
            let is_listed = match row.status {
                "exported" => lists_exported,
                "failed" => false,
                _ => self.all || sums.dry_run || sums.rows == 1,
            };
            if is_listed {
                self.write_row(f, row)?;
            }
            for warning in &row.warnings {
                writeln!(f, "warning    {}: {warning}", images(row))?;
            }
        }
        for row in &self.report.rows {
            if let Some(error) = &row.error {
                writeln!(f, "{:<9}  {}", row.status, images(row))?;
                write_error(f, error)?;
            }
        }
        for lines in self
            .report
            .entries
            .iter()
            .filter_map(crate::rows::followed::ReportEntry::failure_lines)
        {
            f.write_str(&lines)?;
        }
        if let Some(error) = &self.report.error {
            writeln!(f, "failed     the archive was not written")?;
            write_error(f, error)?;
        }
        self.write_sums(f)
    }
}

impl ExportText<'_> {
    fn word(&self, row: &ExportRow) -> &'static str {
        match row.status {
            "exported" if self.report.summary.dry_run => "would add",
            status => status,
        }
    }

    fn write_row(&self, f: &mut Formatter<'_>, row: &ExportRow) -> fmt::Result {
        writeln!(
            f,
            "{:<9}  {}  (new {}, shared {}, left out {})",
            self.word(row),
            images(row),
            bytes(row.new_bytes),
            bytes(row.shared_bytes),
            bytes(row.left_out_bytes),
        )
    }

    fn write_sums(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let sums = &self.report.summary;
        let word = if sums.dry_run {
            "would export"
        } else {
            "exported"
        };
        write!(
            f,
            "{word} {} of {}",
            sums.exported,
            counted(sums.rows, "row")
        )?;
        for (count, word) in [
            (sums.unchanged, "at the far side"),
            (sums.skipped, "skipped"),
            (sums.failed, "failed"),
        ] {
            if count > 0 {
                write!(f, ", {count} {word}")?;
            }
        }
        writeln!(f)?;
        let Some(bundle) = &self.report.bundle else {
            return Ok(());
        };
        self.write_content(f, bundle)
    }

    fn write_content(&self, f: &mut Formatter<'_>, bundle: &ReportBundle) -> fmt::Result {
        let sums = &self.report.summary;
        if self.report.error.is_none() {
            let about = if sums.dry_run { "would have " } else { "" };
            writeln!(
                f,
                "{}: {about}{} ({} bytes), {}, id {}",
                bundle.output,
                bytes(sums.archive_bytes),
                sums.archive_bytes,
                counted(bundle.members, "member"),
                crate::terminal::units::short(&bundle.id),
            )?;
            if bundle.files.len() > 1 {
                writeln!(f, "volumes    {}", bundle.files.join(" "))?;
            }
        }
        writeln!(
            f,
            "content    new {}, shared {}, left out {} ({} required)",
            bytes(sums.new_bytes),
            bytes(sums.shared_bytes),
            bytes(sums.left_out_bytes),
            counted(bundle.requires, "object"),
        )?;
        match sums.dry_run {
            true => writeln!(f, "download   {}", bytes(sums.download_bytes))?,
            false => writeln!(
                f,
                "download   {}, {} from an earlier run",
                bytes(sums.downloaded_bytes),
                bytes(sums.resumed_bytes)
            )?,
        }
        for (count, place) in [
            (sums.foreign_layers_included, "in the archive"),
            (sums.foreign_layers, "left at the URLs of their publisher"),
        ] {
            if count > 0 {
                writeln!(f, "foreign    {} {place}", counted(count, "layer"))?;
            }
        }
        Ok(())
    }
}

fn write_error(f: &mut Formatter<'_>, error: &ExportError) -> fmt::Result {
    writeln!(f, "           {}", error.message)?;
    if let Some(hint) = &error.hint {
        writeln!(f, "           hint: {hint}")?;
    }
    Ok(())
}

fn images(row: &ExportRow) -> String {
    let image = |repository: &str, tag: &str| {
        // Only digests have a colon.
        let separator = if tag.contains(':') { '@' } else { ':' };
        format!("{repository}{separator}{tag}")
    };
    let tag = row.destination_tag.as_ref().unwrap_or(&row.tag);
    format!(
        "{} -> {}",
        image(&row.source, &row.tag),
        image(&row.destination, tag)
    )
}
