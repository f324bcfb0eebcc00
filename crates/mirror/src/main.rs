//! The `mirror` binary: a declarative mirror of container images.
//!
//! The binary connects the crates: it parses arguments and the environment, reads and writes files,
//! prints results and hints, and sets the exit code. Its modules are layers. Each imports only the
//! layers below it:
//!
//! - `commands`: one directory or file per command, with arguments, logic, output and tests.
//! - `rows`: selecting, copying and adding rows, and their approvals.
//! - `registries`: the registry client, and availability checks.
//! - `git`: revisions of the lists.
//! - `files`: lists, locks and the configuration on disk.
//! - `session`: the options, the environment and the outputs of a command.
//! - `terminal`: the result on stdout; progress, logs, hints and annotations on stderr.
//! - `cli`: common options, the environment, exit codes.

mod cli;
mod commands;
mod files;
mod git;
mod registries;
mod rows;
mod session;
mod terminal;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::ErrorKind;

use cli::environment::Environment;
use cli::exit::Exit;
use cli::failure::Failure;
use cli::key_value::Key;
use cli::options::OutputFormat;
use commands::Cli;
use session::Session;
use terminal::github_actions::{self, Level};
use terminal::logging;
use terminal::output::{self, Output};
use terminal::progress::ProgressDisplay;
use terminal::signals::Signals;
use terminal::status_signal::StatusSignal;

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    if let Some(code) = program_runner::exec_if_confined(&args) {
        return code.into();
    }
    let (cli, matches) = match Cli::parse_with_matches(&args) {
        Ok(parsed) => parsed,
        Err(error) => return print_clap_error(&args, &error).into(),
    };
    let environment = Environment::read(|name| std::env::var_os(name), &Key::names());
    let environment = environment.with_confiner();
    let progress_display = ProgressDisplay::new(&cli.common, &environment);
    logging::start(&cli.common, &progress_display);
    if !program_runner::has_landlock() {
        tracing::debug!("the kernel has no Landlock: git and helm can write where this user can");
    }
    let output = Output::new(cli.common.output)
        .quiet(cli.common.quiet)
        .colored(&environment);
    let session = Session {
        common: cli.common,
        environment,
        output,
        progress_display,
        signals: Signals::default(),
        status_signal: StatusSignal::default(),
    };
    let exit = commands::run(&session, &cli.command, &matches).unwrap_or_else(|failure| {
        logging::report(&failure, session.common.log_format);
        let github = session.environment.github.as_ref();
        github_actions::annotate(github, Level::Error, &failure.problems);
        github_actions::annotate_messages(github, [failure.text()]);
        output.fail(&failure);
        failure.exit
    });
    exit.into()
}

/// Prints help, the version or a usage error, all of which clap returns as errors.
fn print_clap_error(args: &[OsString], error: &clap::Error) -> Exit {
    let requested = [ErrorKind::DisplayHelp, ErrorKind::DisplayVersion];
    if requested.contains(&error.kind()) {
        // A closed stdout is not an error.
        error.print().ok();
        return Exit::Done;
    }
    if commands::requests_json(args) {
        let text = error.to_string();
        let message = text
            .trim_start_matches("error: ")
            .lines()
            .next()
            .unwrap_or_default();
        let help = "run `mirror --help` or `mirror COMMAND --help`";
        let hint = match commands::tips(error) {
            Some(tips) => format!("{tips}; {help}"),
            None => help.to_owned(),
        };
        let failure = Failure::unusable(message).hint(hint);
        output::notice(&failure.to_string());
        Output::new(OutputFormat::Json).fail(&failure);
    } else {
        error.print().ok();
    }
    Exit::Unusable
}
