//! `mirror`: keeps mirrors of container images.
//!
//! The binary joins the crates. Arguments and the environment become types, files are read and
//! written, results are printed, hints and exit codes attached. Its modules are layers; each imports
//! only those below it:
//!
//! - `commands`: one directory or file per command, with arguments, logic, output and tests.
//! - `rows`: selecting rows, copying them, adding them, and their approvals.
//! - `registries`: the registry client, and availability checks.
//! - `git`: revisions of the lists.
//! - `files`: lists, locks and the configuration on disk.
//! - `session`: the options, the environment and the outputs of a command.
//! - `terminal`: stdout for the result; progress, logs, hints and annotations on stderr.
//! - `cli`: common options, environment, exit codes.

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

use clap::Parser;
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
    let cli = match Cli::try_parse_from(&args) {
        Ok(cli) => cli,
        Err(error) => return usage(&args, &error).into(),
    };
    let environment = Environment::read(|name| std::env::var_os(name), &Key::names());
    let progress_display = ProgressDisplay::new(&cli.common, &environment);
    logging::start(&cli.common, &progress_display);
    let output = Output::new(cli.common.output);
    let session = Session {
        common: cli.common,
        environment,
        output,
        progress_display,
        signals: Signals::default(),
        status_signal: StatusSignal::default(),
    };
    let exit = commands::run(&session, &cli.command).unwrap_or_else(|failure| {
        logging::report(&failure, session.common.log_format);
        let github = session.environment.github.as_ref();
        github_actions::annotate(github, Level::Error, &failure.problems);
        output.fail(&failure);
        failure.exit
    });
    exit.into()
}

/// Help and version are results; everything else clap has to say is wrong usage.
fn usage(args: &[OsString], error: &clap::Error) -> Exit {
    let asked = [ErrorKind::DisplayHelp, ErrorKind::DisplayVersion];
    // It is no use to complain where it could not be printed.
    if asked.contains(&error.kind()) {
        error.print().ok();
        return Exit::Done;
    }
    if commands::wants_json(args) {
        let text = error.to_string();
        let message = text
            .trim_start_matches("error: ")
            .lines()
            .next()
            .unwrap_or_default();
        let help = "see `mirror --help`, or `mirror COMMAND --help`".to_owned();
        let failure = Failure::unusable(message).hint(help);
        output::notice(&failure.to_string());
        Output::new(OutputFormat::Json).fail(&failure);
    } else {
        error.print().ok();
    }
    Exit::Unusable
}
