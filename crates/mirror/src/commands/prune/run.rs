//! Running `mirror prune`.

use chrono::{SecondsFormat, Utc};
use prune_plan::{PLAN_VERSION, PlanFile};

use super::applied_report::AppliedReport;
use super::applying::apply;
use super::args::PruneArgs;
use super::known::Known;
use super::plan_input::read_plan;
use super::plan_report::PlanReport;
use super::planning::{options, plan_all};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::files::atomic_file;
use crate::git::refuse_link_to_write;
use crate::registries::client::{self, ClientLimits};
use crate::rows::report_file::{Provenance, tool};
use crate::rows::select_args::SelectArgs;
use crate::rows::{selection, target_settings};
use crate::session::Session;
use crate::terminal::github_actions;

/// Runs the command. Exits with 1 if a repository cannot be surveyed, if there is more to delete than
/// `--max-deletions`, or if a deletion of the plan was not made.
///
/// # Errors
///
/// [`Failure`] for lists, locks, plans and reports that cannot be read, and for a missing history.
pub(crate) async fn run(session: &Session, args: &PruneArgs) -> Result<Exit, Failure> {
    args.report.begin()?;
    if let Some(file) = &args.plan {
        refuse_link_to_write(file)?;
        atomic_file::stage(file, b"").map(drop)?;
        // An earlier plan must not pass for this one.
        if file.is_file() {
            atomic_file::write(file, b"")?;
        }
    }
    let planned = args.apply.as_deref().map(read_plan).transpose()?;
    let select = SelectArgs::of_all_rows(args.destination.clone());
    let targets = selection::targets(session, &select)?;
    let limits = ClientLimits {
        hosts: target_settings::host_limits(&targets),
        ..ClientLimits::default()
    };
    let client = client::build_with(&session.common, &session.environment, limits)?;
    let provenance = Provenance::now();
    let known = Known::read(session, args, &client).await?;
    let stop = session.signals.listen()?;
    let options = options(&args.protection);
    let github = session.environment.github.as_ref();
    let Some(file) = planned else {
        let planned = plan_all(session, &known, &options, (&client, &stop)).await;
        let limit = args.protection.max_deletions;
        let report = PlanReport::new(&planned, limit, stop.is_cancelled(), provenance);
        let exit = args.report.write(session, &report, report.exit());
        if let Some(path) = args.plan.as_ref().filter(|_| report.may_be_applied()) {
            write_plan(path, &report)?;
        }
        github_actions::add_to_step_summary(github, &report.markdown());
        session.output.write_outcome(&report, &report, exit)?;
        return Ok(exit);
    };
    let limit = args.protection.max_deletions;
    let applied = apply(session, (&known, &options, limit), &file, (&client, &stop)).await?;
    let report = AppliedReport::new(applied, stop.is_cancelled(), provenance);
    let exit = args.report.write(session, &report, report.exit());
    github_actions::add_to_step_summary(github, &report.markdown());
    session.output.write_outcome(&report, &report, exit)?;
    Ok(exit)
}

/// Writes the file of `--plan`.
fn write_plan(path: &std::path::Path, report: &PlanReport) -> Result<(), Failure> {
    let plan = PlanFile {
        version: PLAN_VERSION,
        tool: tool(),
        created: Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true),
        deletions: report.deletions().to_vec(),
    };
    let text = serde_json::to_vec_pretty(&plan);
    let mut text =
        text.map_err(|error| Failure::failed(format!("cannot write the plan: {error}")))?;
    text.push(b'\n');
    atomic_file::write(path, &text).map_err(Failure::after_requests)
}
