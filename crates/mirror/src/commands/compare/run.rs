//! Running `mirror compare`.

use std::sync::Arc;

use clap::Args;
use copier::{Options, Progress, Row, RunContext};
use registry_client::Client;

use super::compared::{CompareRun, ComparedRow};
use super::copy_check::verify_copies;
use super::report::{ComparedJson, ComparedText};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::registries::client::{self, ClientLimits};
use crate::registries::signature_check::SignatureCheck;
use crate::rows::approvals::Approvals;
use crate::rows::copying::run::Ending;
use crate::rows::mutable_args::MutableArgs;
use crate::rows::platform_args;
use crate::rows::platform_args::PlatformArgs;
use crate::rows::report_file::{Provenance, ReportFileArgs};
use crate::rows::select_args::SelectArgs;
use crate::rows::selection::{self, Selection};
use crate::rows::target_settings;
use crate::session::Session;
use crate::terminal::github_actions::{self, Level};

/// The arguments of `compare`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mirror compare                                   list missing and drifted rows
  mirror compare --match '*etcd*' -v               list identical rows too
  mirror compare --verify                          also verify the copies' signatures
  mirror compare --output json --dest-registry registry.example.com

With a lock beside the list, destinations are compared with the approved images.")]
pub(crate) struct CompareArgs {
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    /// Also verify the signatures of the destinations' copies
    ///
    /// The policy is that of `sync`. It decides by the sources of the rows, and what is attached to the
    /// copies must satisfy it.
    #[arg(long)]
    pub(crate) verify: bool,
    #[command(flatten)]
    pub(crate) platform: PlatformArgs,
    #[command(flatten)]
    pub(crate) locked: MutableArgs,
    #[command(flatten)]
    pub(crate) report: ReportFileArgs,
}

/// Runs the command. Exits with 1 if a row differs.
///
/// # Errors
///
/// [`Failure`] if the comparison cannot start.
pub(crate) async fn run(session: &Session, args: &CompareArgs) -> Result<Exit, Failure> {
    args.report.begin()?;
    let targets = selection::targets(session, &args.select)?;
    let limits = ClientLimits {
        hosts: target_settings::host_limits(&targets),
        ..ClientLimits::default()
    };
    let check = match args.verify {
        true => Some(required_check(session, &args.select)?),
        false => None,
    };
    let client = client::build_with(&session.common, &session.environment, limits)?;
    let mut selection = selection::select_with_followed(session, &args.select, &client).await?;
    let mutable = selection.mutable(&args.locked, args.select.empty)?;
    let approvals = Approvals::read(&selection.lists, mutable)?;
    approvals.apply(&mut selection.rows)?;
    target_settings::apply(&mut selection.rows, &args.platform, false);
    let options = Options {
        platforms: args.platform.selection(),
        arch_tags: args.platform.arch_tags,
        ..Options::default()
    };
    let mut run = compare(session, selection, &options, &client).await?;
    if let Some(check) = &check {
        verify_copies(&mut run, check, &client).await;
    }
    platform_args::warn_of_unused(&options, run.rows.iter().map(|compared| &compared.row.row));
    let github = session.environment.github.as_ref();
    github_actions::annotate(github, Level::Error, &run.findings());
    let text = ComparedText::new(&run, session.is_verbose());
    github_actions::add_to_step_summary(
        github,
        &format!("### mirror compare\n\n```\n{}```\n\n", text.brief()),
    );
    let document = ComparedJson::new(&run);
    let exit = args.report.write(session, &document, run.exit());
    session.output.write_outcome(&text, &document, exit)?;
    Ok(exit)
}

/// Returns the check of the policy, without which nothing could be verified.
fn required_check(session: &Session, select: &SelectArgs) -> Result<Arc<SignatureCheck>, Failure> {
    select.signatures(session)?.ok_or_else(|| {
        Failure::unusable("there is no policy that the copies could be verified against")
            .hint("write policy.json as docs/signatures.md describes".to_owned())
    })
}

/// Compares rows and shows progress, until a signal stops the comparison.
///
/// # Errors
///
/// [`Failure`] if the comparison cannot start.
pub(crate) async fn compare(
    session: &Session,
    selection: Selection,
    options: &Options,
    client: &Client,
) -> Result<CompareRun, Failure> {
    let stop = session.signals.listen()?;
    let progress = Arc::new(Progress::default());
    let rows: Vec<Row> = selection.rows.iter().map(|row| row.row.clone()).collect();
    let display = session.progress_display.show(rows.len(), &progress, client);
    let watch = session.status_signal.watch(rows.len(), &progress, client);
    let context = RunContext {
        client,
        options,
        progress: &progress,
        stop: &stop,
    };
    let provenance = Provenance::now();
    let report = Box::pin(copier::compare(context, &rows)).await;
    drop((display, watch));
    let (entries, entry_findings) = (selection.report_entries(), selection.entry_findings());
    let rows = selection.rows.into_iter().zip(report.rows);
    Ok(CompareRun {
        entries,
        entry_findings,
        rows: rows
            .map(|(row, comparison)| ComparedRow {
                row,
                comparison,
                verification: None,
            })
            .collect(),
        summary: report.summary,
        provenance,
        ending: Ending::new(&stop),
        shard: selection.shard,
    })
}
