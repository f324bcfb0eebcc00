//! Copying and publishing the report: what `sync` and `copy` share.

use copier::Options;

use super::args::CopyingArgs;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::files::atomic_file;
use crate::rows::copying::engine::{self, Work};
use crate::rows::copying::publish::publish;
use crate::rows::copying::report::RunReport;
use crate::rows::copying::run::Run;
use crate::session::Session;
use crate::terminal::github_actions::{self, Level};

/// Copies rows and tells of it everywhere: stdout, the report, GitHub.
///
/// # Errors
///
/// [`Failure`] where no row could be tried, or the result cannot be written.
pub(super) async fn copy_and_publish(
    session: &Session,
    args: &CopyingArgs,
    work: Work,
) -> Result<(Run, Exit), Failure> {
    let title = work.title;
    if let Some(file) = &args.report {
        // Known before hours of copying, not after.
        atomic_file::stage(file, b"")?;
    }
    let options = Options {
        platforms: args.platform.selection(),
        arch_tags: args.platform.arch_tags,
        referrers: !args.no_referrers,
        dry_run: args.dry_run,
        moved: work.moved,
        ..Options::default()
    };
    let run = engine::run(session, &options, work).await?;
    let github = session.environment.github.as_ref();
    github_actions::annotate(github, Level::Error, &run.findings());
    github_actions::annotate(github, Level::Warning, &run.warnings());
    let exit = publish(session, title, args.report.as_deref(), &RunReport::of(&run))?;
    Ok((run, exit))
}
