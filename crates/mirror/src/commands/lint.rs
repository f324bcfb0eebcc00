//! `mirror lint`: checks the list, its lock, the targets, the policy and the configuration, offline.

use clap::Args;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, Finding};
use crate::cli::key_value::ListArgs;
use crate::files::list_file::{self, ListFile};
use crate::files::lock_file::{self, LockFile, LockFileError};
use crate::files::policy_file::{self, ReadPolicy};
use crate::files::targets_file::{self, ReadTargets};
use crate::rows::arch_tags;
use crate::rows::followed;
use crate::rows::target_settings;
use crate::session::Session;
use crate::terminal::github_actions::{self, Level};
use crate::terminal::markdown::cell;
use crate::terminal::units::counted;

/// The arguments of `lint`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mirror lint
  mirror lint --images-list images-list,images-list-daily --output json")]
pub(crate) struct LintArgs {
    /// Report rows that overwrite each other's tags in a sync with --arch-tags
    #[arg(long)]
    arch_tags: bool,
    #[command(flatten)]
    pub(crate) lists: ListArgs,
}

/// The result: the problems of the lists, in the order of their lines, then of the locks and of the
/// configuration.
#[derive(Debug, Serialize)]
struct Findings {
    problems: Vec<Finding>,
    /// The number of problems that `mirror fmt` removes.
    #[serde(skip_serializing_if = "is_zero")]
    fixable: usize,
    #[serde(skip)]
    rows: usize,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde calls it with a reference"
)]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.problems {
            writeln!(f, "{problem}")?;
        }
        match self.problems.len() {
            0 => writeln!(f, "{}, no problems", counted(self.rows, "row")),
            problems => {
                let problems = counted(problems, "problem");
                match self.fixable {
                    0 => writeln!(f, "{problems}"),
                    fixable => writeln!(f, "{problems}; `mirror fmt` removes {fixable} of them"),
                }
            }
        }
    }
}

/// Runs the command. Exits with 1 if there are problems.
///
/// # Errors
///
/// [`Failure`] for a list that cannot be read.
pub(super) fn run(session: &Session, args: &LintArgs) -> Result<Exit, Failure> {
    let images_file = args.lists.images_file(&session.environment)?;
    let paths = list_file::paths(&session.common.images_list, images_file);
    let (targets, target_problems) = match targets_file::read(&session.common, &paths)? {
        ReadTargets::Valid(targets) => (targets, Vec::new()),
        ReadTargets::Invalid(problems) => (Arc::default(), problems),
    };
    let targets_file = targets_file::path(&session.common, &paths);
    let named = session.common.registries_conf.as_ref();
    let setting_problems = match named.or(session.environment.registries_conf.as_ref()) {
        // Any host of a prefix can stand for another one.
        Some(_) => Vec::new(),
        None => target_settings::findings(&targets_file.display().to_string(), &targets),
    };
    let config_problems = followed::config_findings(&session.common, &targets)?;
    let policy = policy_file::read(&session.common, &session.environment, &paths)?;
    let policy_problems = match policy {
        ReadPolicy::None | ReadPolicy::Valid(_) => Vec::new(),
        ReadPolicy::Invalid(problems) => problems,
    };
    let lists = list_file::read_all(&paths, &targets)?;
    let of_arch_tags = if args.arch_tags {
        arch_tags::findings(&lists)
    } else {
        Vec::new()
    };
    let mut found = list_file::check(&lists);
    // Without valid targets, no destination at targets is known.
    found.retain(|found| target_problems.is_empty() || !found.is_of_targets);
    let fixable = found.iter().filter(|found| found.is_fixed_by_fmt).count();
    let problems = found
        .into_iter()
        .map(|found| found.finding)
        .chain(lock_findings(&lists)?)
        .chain(of_arch_tags)
        .chain(config_problems)
        .chain(target_problems)
        .chain(setting_problems)
        .chain(policy_problems)
        .collect();
    let rows = lists.iter().map(|file| file.list.rows().count()).sum();
    let findings = Findings {
        problems,
        fixable,
        rows,
    };
    let github = session.environment.github.as_ref();
    github_actions::annotate(github, Level::Error, &findings.problems);
    github_actions::add_to_step_summary(github, &summary(&findings.problems));
    let exit = Exit::from_findings(!findings.problems.is_empty());
    session.output.write_outcome(&findings, &findings, exit)?;
    Ok(exit)
}

/// Returns the invalid lines of the locks.
fn lock_findings(lists: &[ListFile]) -> Result<Vec<Finding>, Failure> {
    let mut findings = Vec::new();
    for file in lists {
        match LockFile::read(file) {
            Ok(_) => {}
            Err(LockFileError::Invalid(problems)) => {
                findings.extend(lock_file::with_repair(problems));
            }
            Err(LockFileError::Unreadable(failure)) => return Err(failure),
        }
    }
    Ok(findings)
}

/// Formats the problems as a Markdown table. Returns an empty text if there are none.
fn summary(problems: &[Finding]) -> String {
    /// Maximum lines in a step summary, which GitHub limits to 1 MiB.
    const LINES: usize = 500;
    if problems.is_empty() {
        return String::new();
    }
    let mut table = "### mirror lint\n\n| location | problem |\n| --- | --- |\n".to_owned();
    for Finding {
        file,
        line,
        message,
    } in problems.iter().take(LINES)
    {
        table += &format!("| {}:{line} | {} |\n", cell(file), cell(message));
    }
    table + "\n"
}
