//! Reports on disk.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::cli::failure::{Failure, Finding};
use crate::files::atomic_file::io_message;
use crate::rows::copying::report::RunReport;

/// Reads reports, each under its name.
///
/// # Errors
///
/// [`Failure`] that names every file that is none.
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
    let message = match problems.len() {
        1 => "a file is not the report of a run".to_owned(),
        many => format!("{many} files are not the reports of runs"),
    };
    Err(Failure::unusable(message)
        .hint(
            "name what `mirror sync --report FILE` wrote, or `mirror sync --output json` printed"
                .to_owned(),
        )
        .problems(problems))
}

/// Documents of ours that are no reports of runs.
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
        text.map_err(|error| finding(1, format!("cannot be read: {}", io_message(&error))))?;
    serde_json::from_slice(&text).map_err(|error| match serde_json::from_slice(&text) {
        Ok(Other::Failure { error }) => {
            finding(1, format!("that run did not begin: {}", error.message))
        }
        Ok(Other::Comparison { .. }) => finding(
            1,
            "this is what `mirror compare` found; only reports of copies can be merged".to_owned(),
        ),
        Err(_) if text.iter().all(u8::is_ascii_whitespace) => finding(
            1,
            "the file is empty: the run that was to write it was ended before it could".to_owned(),
        ),
        Err(_) => finding(error.line().max(1), format!("this is no report: {error}")),
    })
}
