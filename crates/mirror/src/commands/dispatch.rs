//! Running the command of a parsed command line.

use clap::{ArgMatches, CommandFactory};

use super::bundle;
use super::command_line::{Cli, Command};
use super::images;
use super::import;
use super::{
    add_tag, check_new, compare, completions, config, demo, diff, digest, expand, export, fmt,
    inspect, inventory, lint, lock, login, logout, man_pages, ping, policy, prune, report,
    retrieve_tags, rewrite, sync, tags, usage, verify,
};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::session::Session;

/// Maximum worker threads of the async runtime. The workers wait and hash; blocking calls run on
/// other threads.
const MAX_WORKERS: usize = 4;

/// Runs a command. `matches` are the parsed arguments.
///
/// # Errors
///
/// [`Failure`] if the command failed as a whole.
pub(crate) fn run(
    session: &Session,
    command: &Command,
    matches: &ArgMatches,
) -> Result<Exit, Failure> {
    match command {
        Command::Config(_) => config::run(session, &Cli::command(), of_command(matches)),
        Command::Digest(args) => wait(session, digest::run(session, args)),
        Command::Diff(args) => wait(session, diff::run(session, args)),
        Command::Lint(args) => lint::run(session, args),
        Command::Fmt(args) => wait(session, fmt::run(session, args)),
        Command::Completions(args) => completions::run(session, args, Cli::command()),
        Command::ManPages(args) => man_pages::run(session, args, Cli::command()),
        Command::Report(args) => report::run(session, args),
        Command::Sync(args) => wait(session, sync::sync(session, args)),
        Command::Copy(args) => wait(session, sync::copy(session, args)),
        Command::AddTag(args) => wait(session, add_tag::run(session, args)),
        Command::CheckNew(args) => wait(session, check_new::run(session, args)),
        Command::RetrieveTags(args) => wait(session, retrieve_tags::run(session, args)),
        Command::Images(args) => wait(session, images::run(session, args)),
        Command::Expand(args) => wait(session, expand::run(session, args)),
        Command::Export(args) => wait(session, export::run(session, args)),
        Command::Inventory(args) => wait(session, inventory::run(session, args)),
        Command::Lock(args) => wait(session, lock::run(session, args)),
        Command::Import(args) => wait(session, import::run(session, args)),
        Command::Bundle(args) => bundle::run(session, args),
        Command::Compare(args) => wait(session, compare::run(session, args)),
        Command::Usage(args) => wait(session, usage::run(session, args)),
        Command::Prune(args) => wait(session, prune::run(session, args)),
        Command::Rewrite(args) => wait(session, rewrite::run(session, args)),
        Command::Tags(args) => wait(session, tags::run(session, args)),
        Command::Inspect(args) => wait(session, inspect::run(session, args)),
        Command::Policy(args) => wait(session, policy::run(session, args)),
        Command::Verify(args) => wait(session, verify::run(session, args)),
        Command::Ping(args) => wait(session, ping::run(session, args)),
        Command::Login(args) => wait(session, login::run(session, args)),
        Command::Logout(args) => wait(session, logout::run(session, args)),
        Command::Demo(args) => wait(session, demo::run(session, args)),
    }
}

/// Returns the matches of the command, which have the values of the common options too.
fn of_command(matches: &ArgMatches) -> &ArgMatches {
    matches.subcommand().map_or(matches, |(_, matches)| matches)
}

fn wait(
    session: &Session,
    command: impl Future<Output = Result<Exit, Failure>>,
) -> Result<Exit, Failure> {
    let workers = std::thread::available_parallelism()
        .map_or(MAX_WORKERS, |cores| cores.get().min(MAX_WORKERS));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers.max(2))
        .enable_all()
        .build()
        .map_err(|error| Failure::failed(format!("cannot start the async runtime: {error}")))?;
    let result = runtime.block_on(async {
        let format = session.common.log_format;
        session
            .status_signal
            .listen(&session.progress_display, format)?;
        command.await
    });
    // Does not wait for requests whose results are no longer needed.
    runtime.shutdown_background();
    result
}
