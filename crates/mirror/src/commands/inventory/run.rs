//! Running `mirror inventory`.

use std::collections::BTreeMap;

use bundle::base::Inventory;
use clap::Args;
use copier::{AttachedSurvey, Row, RowError};
use futures::stream::{self, StreamExt};
use image_name::{RepositoryName, full_repository};
use registry_client::{Access, Client, manifest_reference};

use super::contents::ImageContents;
use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, Finding};
use crate::registries::client::{self, ClientLimits};
use crate::rows::report_file::tool;
use crate::rows::select_args::SelectArgs;
use crate::rows::selection::{self, RunRow};
use crate::rows::target_settings;
use crate::session::Session;
use crate::terminal::github_actions::{self, Level};

/// Maximum number of images that are read at the same time.
const CONCURRENT_IMAGES: usize = 64;

/// The arguments of `inventory`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mirror inventory > inventory.json                 what the destinations have of the list
  mirror inventory --match '*etcd*' > etcd.json
  mirror inventory --dest-registry registry.example.com > inventory.json

The result is the base of the next `mirror export --base`. It has digests only, no content.")]
pub(crate) struct InventoryArgs {
    #[command(flatten)]
    pub(crate) select: SelectArgs,
}

/// Runs the command. Exits with 1 if a destination cannot be read; it is left out of the result then.
///
/// # Errors
///
/// [`Failure`] for lists that cannot be read.
pub(crate) async fn run(session: &Session, args: &InventoryArgs) -> Result<Exit, Failure> {
    let select = &args.select;
    let limits = ClientLimits {
        hosts: target_settings::host_limits(&*selection::targets(session, select)?),
        ..ClientLimits::default()
    };
    let client = client::build_with(&session.common, &session.environment, limits)?;
    let selection = selection::select_with_followed(session, select, &client).await?;
    let _display = session.progress_display.show_requests(&client);
    // Rows with the same destination are read once.
    let rows = selection.rows.iter();
    let rows: BTreeMap<String, &RunRow> = rows
        .map(|row| (row.row.destination.to_string(), row))
        .collect();
    let survey = AttachedSurvey::default();
    let reads = rows.into_values().map(|row| {
        let read = read(&client, &row.row, &survey);
        async move { (row, read.await) }
    });
    let mut inventory = Inventory::new(tool());
    let mut findings = selection.entry_findings();
    let mut refused = 0;
    let mut reads = std::pin::pin!(stream::iter(reads).buffer_unordered(CONCURRENT_IMAGES));
    while let Some((row, read)) = reads.next().await {
        match read {
            Ok(Some((name, contents))) => {
                let repository = inventory.repository(&name);
                repository.manifests.extend(contents.manifests);
                repository.blobs.extend(contents.blobs);
                repository.tags.extend(contents.tags);
            }
            Ok(None) => {}
            Err(error) => {
                refused += usize::from(is_refused(&error));
                findings.extend(finding(row, &error));
            }
        }
    }
    session.output.write_bytes(&inventory.to_bytes())?;
    for finding in &findings {
        tracing::error!("{finding}");
    }
    let github = session.environment.github.as_ref();
    github_actions::annotate(github, Level::Error, &findings);
    Ok(match findings.len() {
        0 => Exit::Done,
        count if count == refused => Exit::Refused,
        _ => Exit::Failed,
    })
}

async fn read(
    client: &Client,
    row: &Row,
    survey: &AttachedSurvey,
) -> Result<Option<(RepositoryName, ImageContents)>, RowError> {
    let destination = client.destination(&row.destination, Access::Pull);
    let destination = destination.map_err(RowError::Name)?;
    let reference = manifest_reference(&row.destination).map_err(RowError::Name)?;
    let contents = ImageContents::read(&destination, &reference, survey).await?;
    let name = full_repository(&row.destination).parse().ok();
    Ok(contents.and_then(|contents| Some((name?, contents))))
}

fn is_refused(error: &RowError) -> bool {
    let request = error.request_error();
    request.is_some_and(registry_client::Error::is_refused)
}

fn finding(row: &RunRow, error: &RowError) -> Option<Finding> {
    let hint = row.hint(error).map(|hint| format!(" ({hint})"));
    let hint = hint.unwrap_or_default();
    let destination = &row.row.destination;
    row.finding(format!("{destination} is left out: {error}{hint}"))
}
