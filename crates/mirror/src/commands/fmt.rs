//! `mirror fmt`: formats the list.

use clap::Args;
use std::fmt;
use std::sync::Arc;

use images_list::List;
use serde::Serialize;

use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, Finding};
use crate::cli::key_value::ListArgs;
use crate::files::atomic_file::{self, StagedFile};
use crate::files::list_file::{self, ListFile};
use crate::files::lock_file::LockFile;
use crate::files::locked_files::LockedFiles;
use crate::files::unified_diff::unified_diff;
use crate::session::Session;
use crate::terminal::units::counted;

/// The arguments of `fmt`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mirror fmt           rewrite the list
  mirror fmt --check   exit 1 if the list is not formatted")]
pub(crate) struct FmtArgs {
    /// Write nothing; print a diff and exit 1 if a list is not formatted
    #[arg(long)]
    pub(crate) check: bool,
    #[command(flatten)]
    pub(crate) lists: ListArgs,
}

/// The result of `fmt` for each list.
#[derive(Debug, Serialize)]
struct Formatted {
    files: Vec<FormattedFile>,
    #[serde(skip)]
    check: bool,
}

#[derive(Debug, Serialize)]
struct FormattedFile {
    file: String,
    changed: bool,
    /// The patch that `mirror fmt` would apply, with `--check`.
    #[serde(skip_serializing_if = "Option::is_none")]
    diff: Option<String>,
}

impl fmt::Display for Formatted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for FormattedFile { file, changed, .. } in &self.files {
            match (changed, self.check) {
                (false, _) => writeln!(f, "{file}: already formatted")?,
                (true, true) => writeln!(f, "{file}: not formatted; run `mirror fmt`")?,
                (true, false) => writeln!(f, "{file}: formatted")?,
            }
        }
        let diffs = self.files.iter().filter_map(|file| file.diff.as_ref());
        diffs.into_iter().try_for_each(|diff| f.write_str(diff))
    }
}

/// Runs the command. Writes all lists or none.
///
/// # Errors
///
/// [`Failure`] for a list that cannot be read or written, or has invalid rows.
pub(super) async fn run(session: &Session, args: &FmtArgs) -> Result<Exit, Failure> {
    let images_file = args.lists.images_file(&session.environment)?;
    let paths = list_file::paths(&session.common.images_list, images_file);
    if !args.check {
        list_file::refuse_stdin(&paths)?;
    }
    let mut lists = list_file::read_all(&paths, &Arc::default())?;
    let locked = match args.check {
        true => None,
        false => Some(LockedFiles::lock(&lists).await?),
    };
    if locked.is_some() {
        // Another process may have changed the lists before they were locked.
        lists = list_file::read_all(&paths, &Arc::default())?;
    }
    let texts = format_all(&lists)?;
    let mut files = Vec::new();
    let mut staged = Vec::new();
    for (file, new) in lists.iter().zip(&texts) {
        let changed = *new != file.list.to_string();
        if changed && !args.check {
            // The lock has the order of the list.
            if let Some(lock) = LockFile::read(file)? {
                staged.extend(lock.stage(&List::parse(new))?);
            }
            staged.push(atomic_file::stage(&file.path, new.as_bytes())?);
        }
        files.push(FormattedFile {
            file: file.name.clone(),
            changed,
            diff: (changed && args.check)
                .then(|| unified_diff(&file.name, &file.list.to_string(), new)),
        });
    }
    staged.into_iter().try_for_each(StagedFile::commit)?;
    drop(locked);
    let has_findings = args.check && files.iter().any(|file| file.changed);
    let result = Formatted {
        files,
        check: args.check,
    };
    let exit = Exit::from_findings(has_findings);
    session.output.write_outcome(&result, &result, exit)?;
    Ok(exit)
}

fn format_all(lists: &[ListFile]) -> Result<Vec<String>, Failure> {
    let mut findings: Vec<Finding> = Vec::new();
    let mut texts = Vec::new();
    for file in lists {
        let mut list = file.list.clone();
        match list.format() {
            Ok(()) => texts.push(list.to_string()),
            Err(problems) => {
                findings.extend(
                    problems
                        .iter()
                        .map(|problem| list_file::finding(&file.name, problem)),
                );
            }
        }
    }
    if findings.is_empty() {
        return Ok(texts);
    }
    let message = format!(
        "{}; nothing was written",
        counted(findings.len(), "invalid row")
    );
    Err(Failure::unusable(message)
        .hint("correct the rows, or comment them out with `#`".to_owned())
        .problems(findings))
}
