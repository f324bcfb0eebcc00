//! Reading reports from disk.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::report::RunReport;
use crate::cli::failure::{Failure, Finding};
use crate::files::atomic_file::io_message;
use crate::terminal::units::counted;

/// Reads reports. Returns each with the name of its file.
///
/// # Errors
///
/// [`Failure`] with every file that is not a report.
pub(crate) fn read_all(files: &[PathBuf]) -> Result<Vec<(String, RunReport)>, Failure> {
    let mut reports = Vec::new();
    let mut problems = Vec::new();
    for file in files {
        match read(file) {
            Ok(report) => reports.push((file.display().to_string(), report)),
            Err(finding) => problems.push(finding),
        }
    }
    if problems.is_empty() {
        return Ok(reports);
    }
    let message = format!("{} without a report", counted(problems.len(), "file"));
    Err(Failure::unusable(message)
        .hint(
            "use files that `mirror sync --report FILE` wrote or `mirror sync --output json` printed"
                .to_owned(),
        )
        .problems(problems))
}

/// Other JSON documents that the binary prints.
#[derive(Deserialize)]
#[serde(untagged)]
enum Other {
    Failure {
        error: FailureMessage,
    },
    Comparison {
        #[serde(rename = "summary")]
        _summary: ComparisonSums,
    },
}

#[derive(Deserialize)]
struct FailureMessage {
    message: String,
}

#[derive(Deserialize)]
struct ComparisonSums {
    #[serde(rename = "drift")]
    _drift: usize,
}

fn read(file: &Path) -> Result<RunReport, Finding> {
    let finding = |line, message| Finding {
        file: file.display().to_string(),
        line,
        message,
    };
    let text = fs::read(file);
    let text =
        text.map_err(|error| finding(1, format!("cannot read the file: {}", io_message(&error))))?;
    serde_json::from_slice(&text).map_err(|error| match serde_json::from_slice(&text) {
        Ok(Other::Failure { error }) => {
            finding(1, format!("the run did not start: {}", error.message))
        }
        Ok(Other::Comparison { .. }) => finding(
            1,
            "the file is a result of `mirror compare`; only reports of `mirror sync` and `mirror copy` can be merged"
                .to_owned(),
        ),
        Err(_) if text.iter().all(u8::is_ascii_whitespace) => finding(
            1,
            "the file is empty; its run ended before it wrote the report".to_owned(),
        ),
        Err(_) => finding(error.line().max(1), format!("invalid report: {error}")),
    })
}
