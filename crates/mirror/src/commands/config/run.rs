//! Running `mirror config`.

use std::fmt;

use clap::{ArgMatches, Args, Command};
use serde::Serialize;

use super::settings::{self, Setting};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::session::Session;

/// The arguments of `config`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mirror config                        list the settings and where each comes from
  mirror config --jobs 8 --output json

Passwords and tokens are not printed. No request is sent.")]
pub(crate) struct ConfigArgs {}

/// The result.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Settings {
    settings: Vec<Setting>,
}

impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |text: fn(&Setting) -> &str| {
            let widths = self.settings.iter().map(|one| text(one).chars().count());
            widths.max().unwrap_or_default().min(60)
        };
        let (names, values) = (width(|one| &one.name), width(Setting::value_text));
        self.settings.iter().try_for_each(|one| {
            writeln!(
                f,
                "{:<names$}  {:<values$}  {}",
                one.name,
                one.value_text(),
                one.origin
            )
        })
    }
}

/// Runs the command. `matches` are the parsed arguments of `command_line`.
///
/// # Errors
///
/// [`Failure`] if the result cannot be written.
pub(crate) fn run(
    session: &Session,
    command_line: &Command,
    matches: &ArgMatches,
) -> Result<Exit, Failure> {
    let mut settings = settings::of_options(session, command_line, matches);
    settings.extend(settings::of_environment(session));
    let result = Settings { settings };
    session.output.write(&result, &result)?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::document_schema;

    #[test]
    fn document_has_the_schema_of_the_documentation() {
        document_schema::assert_documented::<Settings>("config");
    }
}
