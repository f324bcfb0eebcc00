//! Running `mirror completions`.

use clap::{Args, Command};
use clap_complete::Shell;
use serde::Serialize;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::options::OutputFormat;
use crate::session::Session;

/// The arguments of `completions`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mirror completions bash > ~/.local/share/bash-completion/completions/mirror
  mirror completions zsh > ~/.zfunc/_mirror
  mirror completions fish > ~/.config/fish/completions/mirror.fish")]
pub(crate) struct CompletionsArgs {
    /// Shell that completes the commands and options of mirror
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// The result.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Completions {
    /// The name of the shell.
    shell: String,
    /// The text of the script.
    script: String,
}

/// Runs the command for the command line of the binary.
///
/// # Errors
///
/// [`Failure`] if the result cannot be written.
pub(crate) fn run(
    session: &Session,
    args: &CompletionsArgs,
    mut command_line: Command,
) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command_line, "mirror", &mut script);
    match session.output.format() {
        // The shell reads the bytes as they are.
        OutputFormat::Text => session.output.write_bytes(&script)?,
        OutputFormat::Json => session.output.write_document(&Completions {
            shell: args.shell.to_string(),
            script: String::from_utf8_lossy(&script).into_owned(),
        })?,
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::document_schema;

    #[test]
    fn document_has_the_schema_of_the_documentation() {
        document_schema::assert_documented::<Completions>("completions");
    }
}
