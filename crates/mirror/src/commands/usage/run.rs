//! Running `mirror usage`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::Args;

use super::input;
use super::inventory::Inventory;
use super::join::{self, JoinRules, Status, join};
use super::lookup::Lookups;
use super::report::UsageReport;
use super::row_index::RowIndex;
use super::text::UsageText;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::registries::client;
use crate::rows::globs::Globs;
use crate::rows::mutable_args::AllowEmptyArgs;
use crate::rows::select_args::SelectArgs;
use crate::rows::selection;
use crate::rows::target_args::TargetArgs;
use crate::session::Session;
use crate::terminal::github_actions;

/// The arguments of `usage`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mirror usage prod.json                     compare a cluster with the list
  mirror usage prod.json test=test/ --check  exit 1 if an image is not from the mirror
  mirror usage --unused --registry prod.json also read the mirror, print unused rows
  mirror usage - --output json > usage.json  keep the images, such as for prune

The files are the output of `kubectl get … -A -o json` (or yaml); docs/usage.md has the command.")]
pub(crate) struct UsageArgs {
    /// Objects of a cluster: FILE, NAME=FILE, a directory of files, or - [default: -]
    ///
    /// Files with one NAME are one cluster. Without NAME, it is that of the file or directory.
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Read the images at the mirror: existence, digests of platforms, platforms
    #[arg(long)]
    registry: bool,
    /// Count names of sources as the mirror's: clusters are set up by mirror rewrite
    #[arg(long)]
    rewritten: bool,
    /// Exit 1 if an image is not used from the mirror as the list has it
    #[arg(long)]
    check: bool,
    /// Images that are no findings, such as `registry.k8s.io/*`
    #[arg(long, value_name = "GLOB")]
    ignore: Vec<String>,
    /// Namespaces whose objects are left out
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    exclude_namespace: Vec<String>,
    /// Also print mirrored and ignored images, and those on nodes only
    #[arg(long)]
    all: bool,
    /// Also print the rows that no cluster uses
    #[arg(long)]
    unused: bool,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    empty: AllowEmptyArgs,
}

/// Runs the command. With `--check`, exits with 1 if there are findings.
///
/// # Errors
///
/// [`Failure`] for files, lists and locks that cannot be read.
pub(crate) async fn run(session: &Session, args: &UsageArgs) -> Result<Exit, Failure> {
    let rules = JoinRules {
        is_rewritten: args.rewritten,
        ignored: Globs::parse("--ignore", &args.ignore)?,
    };
    let clusters = input::clusters(&args.files)?;
    let select = SelectArgs::of_targets(args.target.clone(), args.empty);
    let selection = Box::pin(selection::select_with_locked(session, &select)).await?;
    let index = RowIndex::new(selection)?;
    let inventory = read(&clusters, &args.exclude_namespace)?;
    let lookups = match args.registry {
        true => Some(look_up(session, &inventory, &index).await?),
        false => None,
    };
    let none = Lookups::default();
    let joined = join(
        &inventory,
        &index,
        lookups.as_ref().unwrap_or(&none),
        &rules,
    );
    let report = UsageReport::new(&inventory, &index, &joined, lookups.as_ref());
    if report.images.is_empty() {
        tracing::warn!("the objects name no image");
    }
    let text = UsageText {
        report: &report,
        all: args.all,
        unused: args.unused,
    };
    let exit = exit(args.check, &report, lookups.as_ref());
    session.output.write_outcome(&text, &report, exit)?;
    if args.check {
        let findings = joined.images.iter().filter(|image| image.is_finding());
        let messages = findings.map(|image| match image.status {
            Status::NotListed => format!("{} is used and not in the list", image.name),
            Status::NotFromMirror => format!("{} is not used from the mirror", image.name),
            Status::OtherDigest => format!("{} is used with another digest", image.name),
            Status::NotAtMirror => format!("{} is not at the mirror", image.name),
            Status::Mirrored | Status::OnNodesOnly => {
                format!("{} lacks a platform of nodes", image.name)
            }
        });
        github_actions::annotate_messages(session.environment.github.as_ref(), messages);
    }
    Ok(exit)
}

/// Reads the objects of all clusters.
fn read(
    clusters: &[input::ClusterFiles],
    excluded_namespaces: &[String],
) -> Result<Inventory, Failure> {
    let mut inventory = Inventory::new(excluded_namespaces);
    for cluster in clusters {
        inventory.begin_cluster(&cluster.name);
        for file in &cluster.files {
            let count = input::read(file, &mut |object| inventory.add(object))?;
            if count == 0 {
                tracing::warn!("{} has no objects", file.display());
            }
        }
    }
    Ok(inventory)
}

/// Reads the images at the mirror that decide on the statuses.
async fn look_up(
    session: &Session,
    inventory: &Inventory,
    index: &RowIndex,
) -> Result<Lookups, Failure> {
    let client = client::build(&session.common, &session.environment)?;
    let _waiting = session.progress_display.show_requests(&client);
    let images = inventory.images.values();
    let rows: BTreeSet<usize> = images
        .flat_map(|used| join::rows_to_look_up(index, used))
        .collect();
    Ok(Lookups::read(&client, index, rows).await)
}

/// Returns the exit status: findings count with `--check`, images that could not be read always.
fn exit(is_check: bool, report: &UsageReport, lookups: Option<&Lookups>) -> Exit {
    let failures = lookups.map(Lookups::failures).unwrap_or_default();
    let has_findings = is_check && report.summary.findings > 0;
    let all_refused = failures.iter().all(|(_, _, is_refused)| *is_refused);
    match failures.is_empty() {
        true => Exit::from_findings(has_findings),
        false if all_refused && !has_findings => Exit::Refused,
        false => Exit::Failed,
    }
}
