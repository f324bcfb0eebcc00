//! Running `mirror export`.

use std::sync::Arc;

use bundle::base::FarSide;
use bundle::contents::{Base, Compression, CompressionFormat, Contents, LayoutKind, NamedBy};

use bundle::plan::ExportPlan;
use bundle::write::{ZSTD_LEVEL, archive_size, zstd_version};
use copier::{MovedTag, Options};
use registry_client::Client;

use super::args::{self, ExportArgs, Layout, Names};
use super::bases;
use super::copying::{RecordedRun, record, repository_of};
use super::list_slice::ListSlice;
use super::output::OutputName;
use super::planning::{is_exported, plan};
use super::report::ExportReport;
use super::signing;
use super::text::ExportText;
use super::writing;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::options::OutputFormat;
use crate::registries::client::{self, ClientLimits};
use crate::rows::approvals::Approvals;
use crate::rows::copying::engine::CopyRequest;
use crate::rows::copying::run::{CopyRun, Ending};
use crate::rows::platform_args;
use crate::rows::report_file::tool;
use crate::rows::selection::{self, RunRow};
use crate::rows::target_settings;
use crate::session::Session;
use crate::terminal::github_actions::{self, Level};
use crate::terminal::output as terminal_output;

/// Runs the command.
///
/// # Errors
///
/// [`Failure`] if the export cannot start or be planned.
pub(crate) async fn run(session: &Session, args: &ExportArgs) -> Result<Exit, Failure> {
    args::check(args, session.output.format() == OutputFormat::Json)?;
    args.report.begin()?;
    let key = args.signing.key(&session.environment)?;
    signing::check_first_volume(args, key.as_ref())?;
    let (far_side, bases) = bases::read(&args.base)?;
    let far_side = Arc::new(far_side);
    let select = &args.select;
    let signatures = select.signatures(session)?;
    let limits = ClientLimits {
        hosts: target_settings::host_limits(&*selection::targets(session, select)?),
        max_pulls: args
            .max_pulls
            .iter()
            .map(|max| (max.host.clone(), max.pulls))
            .collect(),
        ..ClientLimits::default()
    };
    let client = client::build_with(&session.common, &session.environment, limits)?;
    let mut selection = selection::select_with_followed(session, select, &client).await?;
    let form = form(args, &selection.rows, bases)?;
    if !args.base.is_empty() {
        warn_of_strange_base(&far_side, &selection.rows);
    }
    let mutable = selection.mutable(&args.locked, select.empty)?;
    let lists = std::mem::take(&mut selection.lists);
    target_settings::apply(&mut selection.rows, &args.platform, args.no_referrers);
    let approvals = Approvals::read(&lists, mutable)?;
    if args.require_locked {
        approvals.require(&selection.rows)?;
    }
    approvals.apply(&mut selection.rows)?;
    let options = options(args);
    let moved = match args.require_locked {
        true => MovedTag::Refused,
        false => MovedTag::Kept,
    };
    let request = CopyRequest {
        signatures,
        ..CopyRequest::new(selection, moved, client.clone())
    };
    let copied = record(session, &options, request, &far_side).await?;
    platform_args::warn_of_unused(&options, copied.run.rows.iter().map(|row| &row.row.row));
    annotate(session, &copied.run);
    let slice = exported_slice(&copied, &approvals);
    let is_empty = !copied.run.rows.iter().any(is_exported);
    let plan = match is_empty || copied.run.ending == Ending::Interrupted {
        true => None,
        false => {
            let planned = plan(&copied, (form, slice), (&options, &far_side), &client).await?;
            Some(Arc::new(signing::signed(planned, args, key.as_ref())?))
        }
    };
    drop(copied.recorded);
    write_and_publish(session, args, (&copied.run, plan), &client).await
}

/// Writes the bundle, if there is one to write, and publishes the report.
async fn write_and_publish(
    session: &Session,
    args: &ExportArgs,
    (run, plan): (&CopyRun, Option<Arc<ExportPlan>>),
    client: &Client,
) -> Result<Exit, Failure> {
    let started = std::time::Instant::now();
    let mut report = ExportReport::new(run, plan.as_deref(), args.archive.to_string());
    report.summary.dry_run = args.dry_run;
    let mut failed = None;
    if let Some(plan) = &plan {
        report.summary.archive_bytes = archive_size(plan);
        if !args.dry_run {
            match writing::write(session, args, (plan, client)).await {
                Ok(written) => report.add_written(&written),
                Err(error) => {
                    let failure = writing::failure(args, &error);
                    report.fail(&failure);
                    failed = Some(failure.exit);
                }
            }
        }
    }
    report.summary.requests = client.requests();
    report.summary.duration_seconds += started.elapsed().as_millis() as f64 / 1000.0;
    publish(session, args, &report, failed)
}

fn options(args: &ExportArgs) -> Options {
    Options {
        platforms: args.platform.selection(),
        referrers: !args.no_referrers,
        foreign_layers: args.foreign_layers.treatment(),
        grace: args.grace,
        ..Options::default()
    }
}

/// Returns the form of the archive.
///
/// # Errors
///
/// [`Failure`] if several targets give an image several names.
fn form(args: &ExportArgs, rows: &[RunRow], bases: Vec<Base>) -> Result<Contents, Failure> {
    let mut targets: Vec<_> = rows.iter().filter_map(RunRow::target_name).collect();
    targets.sort();
    targets.dedup();
    if args.names.is_none() && targets.len() > 1 {
        let message = format!(
            "the rows have {} targets ({}), so an image has several names",
            targets.len(),
            targets.join(", ")
        );
        return Err(Failure::unusable(message).hint(
            "select one with --target, or choose with --names destination or --names source"
                .to_owned(),
        ));
    }
    let compression = matches!(args.archive, OutputName::CompressedTar(_)).then(|| Compression {
        format: CompressionFormat::Zstd,
        level: ZSTD_LEVEL,
        encoder: zstd_version(),
    });
    let selected = args.select.target.target.join(",");
    Ok(Contents {
        layout: match args.layout {
            Layout::Single => LayoutKind::Single,
            Layout::Repositories => LayoutKind::Repositories,
        },
        names: match args.names {
            Some(Names::Source) => NamedBy::Source,
            Some(Names::Destination) | None => NamedBy::Destination,
        },
        target: (!selected.is_empty()).then_some(selected),
        compression,
        bases,
        ..Contents::new(tool())
    })
}

/// Warns if no destination is in a base: most likely its names are those of another registry.
fn warn_of_strange_base(far_side: &FarSide, rows: &[RunRow]) {
    let is_known = |row: &RunRow| {
        repository_of(&row.row.destination).is_ok_and(|name| far_side.has_repository(&name))
    };
    if !rows.iter().any(is_known) {
        tracing::warn!(
            "no destination of the export is in a base, so nothing is left out: run both sides with the \
             same list, --dest-registry and --dest-org"
        );
    }
}

fn annotate(session: &Session, run: &CopyRun) {
    let github = session.environment.github.as_ref();
    github_actions::annotate(github, Level::Error, &run.findings());
    github_actions::annotate(github, Level::Warning, &run.warnings());
}

fn exported_slice(copied: &RecordedRun, approvals: &Approvals) -> ListSlice {
    let rows = copied.run.rows.iter().filter(|row| is_exported(row));
    ListSlice::new(rows.map(|copied| &*copied.row), approvals)
}

/// Prints the report. With the archive on stdout, it goes to stderr.
fn publish(
    session: &Session,
    args: &ExportArgs,
    report: &ExportReport,
    failed: Option<Exit>,
) -> Result<Exit, Failure> {
    let exit = args.report.write(session, report, report.exit(failed));
    let text = ExportText::new(report, session.is_verbose());
    if args.archive == OutputName::Stdout && !args.dry_run {
        if !session.common.quiet || exit != Exit::Done {
            terminal_output::notice(&text.to_string());
        }
        return Ok(exit);
    }
    session.output.write_outcome(&text, report, exit)?;
    Ok(exit)
}
