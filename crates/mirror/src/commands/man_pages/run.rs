//! Running `mirror man-pages`.

use std::fmt;
use std::path::{Path, PathBuf};

use clap::{Args, Command};
use clap_mangen::Man;
use serde::Serialize;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::files::atomic_file;
use crate::session::Session;

/// The arguments of `man-pages`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mirror man-pages ~/.local/share/man/man1   then `man mirror-sync` shows the page of sync")]
pub(crate) struct ManPagesArgs {
    /// Existing directory for mirror.1 and a page for each command
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

/// The result.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct ManPages {
    /// The written files.
    files: Vec<String>,
}

impl fmt::Display for ManPages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.files.iter().try_for_each(|file| writeln!(f, "{file}"))
    }
}

/// Runs the command for the command line of the binary.
///
/// # Errors
///
/// [`Failure`] if a page cannot be written.
pub(crate) fn run(
    session: &Session,
    args: &ManPagesArgs,
    command_line: Command,
) -> Result<Exit, Failure> {
    let mut command_line = command_line.disable_help_subcommand(true);
    command_line.build();
    let mut files = Vec::new();
    write_pages(&command_line, &args.directory, &mut files)?;
    let result = ManPages { files };
    session.output.write(&result, &result)?;
    Ok(Exit::Done)
}

/// Writes the page of a command, then those of its subcommands.
fn write_pages(
    command: &Command,
    directory: &Path,
    files: &mut Vec<String>,
) -> Result<(), Failure> {
    let page = Man::new(command.clone());
    let file = directory.join(page.get_filename());
    let mut text = Vec::new();
    page.render(&mut text)
        .map_err(|error| Failure::failed(format!("cannot render {}: {error}", file.display())))?;
    atomic_file::write(&file, &text)?;
    files.push(file.display().to_string());
    let subcommands = command.get_subcommands();
    subcommands
        .filter(|subcommand| !subcommand.is_hide_set())
        .try_for_each(|subcommand| write_pages(subcommand, directory, files))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::document_schema;

    #[test]
    fn document_has_the_schema_of_the_documentation() {
        document_schema::assert_documented::<ManPages>("man-pages");
    }
}
