//! `mirror fmt`: bringing the list into form.

use clap::Args;
use std::fmt;

use images_list::List;
use serde::Serialize;

use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, Finding};
use crate::cli::key_value::ListArgs;
use crate::files::atomic_file::{self, StagedFile};
use crate::files::list_file::{self, ListFile};
use crate::files::lock_file::LockFile;
use crate::files::locked_files::LockedFiles;
use crate::session::Session;

/// The arguments of `fmt`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mirror fmt           rewrite the list
  mirror fmt --check   only say what would change; exit 1 if anything would")]
pub(crate) struct FmtArgs {
    /// Write nothing; exit 1 if a list is not in form
    #[arg(long)]
    pub(crate) check: bool,
    #[command(flatten)]
    pub(crate) lists: ListArgs,
}

/// What became of the lists.
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
}

impl fmt::Display for Formatted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for FormattedFile { file, changed } in &self.files {
            match (changed, self.check) {
                (false, _) => writeln!(f, "{file}: in form")?,
                (true, true) => writeln!(f, "{file}: not in form; run `mirror fmt`")?,
                (true, false) => writeln!(f, "{file}: rewritten")?,
            }
        }
        Ok(())
    }
}

/// Runs the command: all lists are written or none is touched.
///
/// # Errors
///
/// [`Failure`] for a list that cannot be read or written, or has wrong rows.
pub(super) async fn run(session: &Session, args: &FmtArgs) -> Result<Exit, Failure> {
    let images_file = args.lists.images_file(&session.environment)?;
    let paths = list_file::paths(&session.common.images_list, images_file);
    let mut lists = list_file::read_all(&paths)?;
    let held = match args.check {
        true => None,
        false => Some(LockedFiles::lock(&lists).await?),
    };
    if held.is_some() {
        // As whoever had them before has left them.
        lists = list_file::read_all(&paths)?;
    }
    let texts = format_all(&lists)?;
    let mut files = Vec::new();
    let mut staged = Vec::new();
    for (file, new) in lists.iter().zip(&texts) {
        let changed = *new != file.list.to_string();
        if changed && !args.check {
            // Its lines follow the list's.
            if let Some(lock) = LockFile::read(file)? {
                staged.extend(lock.stage(&List::parse(new))?);
            }
            staged.push(atomic_file::stage(&file.path, new.as_bytes())?);
        }
        files.push(FormattedFile {
            file: file.name.clone(),
            changed,
        });
    }
    staged.into_iter().try_for_each(StagedFile::commit)?;
    drop(held);
    let not_in_form = args.check && files.iter().any(|file| file.changed);
    let result = Formatted {
        files,
        check: args.check,
    };
    session.output.write(&result, &result)?;
    Ok(Exit::from_findings(not_in_form))
}

fn format_all(lists: &[ListFile]) -> Result<Vec<String>, Failure> {
    let mut wrong: Vec<Finding> = Vec::new();
    let mut texts = Vec::new();
    for file in lists {
        let mut list = file.list.clone();
        match list.format() {
            Ok(()) => texts.push(list.to_string()),
            Err(problems) => {
                wrong.extend(
                    problems
                        .iter()
                        .map(|problem| list_file::finding(&file.name, problem)),
                );
            }
        }
    }
    if wrong.is_empty() {
        return Ok(texts);
    }
    Err(
        Failure::unusable("lines that are no rows cannot be put in order; nothing was written")
            .hint("correct them, or begin them with `#`".to_owned())
            .problems(wrong),
    )
}
