//! Querying the version sources of followed entries.

use std::sync::Arc;
use std::time::Duration;

use copier::Progress;
use image_name::Tag;
use images_list::Targets;
use registry_client::{Client, TagLists};
use tag_retrieval::config::{Config, Entry, Source};
use tag_retrieval::{FollowedTag, FollowedTags, Limits, Origin, Outcome};

use super::entry::{FollowedEntry, FollowedRows};
use crate::cli::failure::{Failure, Finding};
use crate::cli::options::CommonOptions;
use crate::files::config_file::{self, ConfigFile, ReadConfig};
use crate::registries::upstreams::{Programs, RunUpstreams};
use crate::session::Session;

/// Maximum time per entry, the default of `retrieve-tags --deadline`.
const DEADLINE: Duration = Duration::from_secs(300);
/// Maximum concurrent entries, the default of `retrieve-tags --entries-at-once`.
const CONCURRENT_ENTRIES: usize = 64;

/// The followed entries of a configuration.
#[derive(Debug, Default)]
pub(crate) struct FollowedEntries {
    /// The entries, in the order of the configuration.
    pub(crate) entries: Vec<FollowedEntry>,
    /// The tag lists that were read for them.
    pub(crate) tag_lists: Arc<TagLists>,
}

/// Queries the sources of the followed entries concurrently. An entry that fails does not stop the others.
///
/// # Errors
///
/// [`Failure`] for invalid settings of the clients, and for an interrupt.
pub(crate) async fn retrieve(
    session: &Session,
    config: &ConfigFile,
    client: &Client,
    targets: &Targets,
) -> Result<FollowedEntries, Failure> {
    let entries: Vec<&Entry> = followed(&config.config).collect();
    if entries.is_empty() {
        return Ok(FollowedEntries::default());
    }
    let runs_git = |entry: &&Entry| matches!(entry.source, Source::GitTags(_));
    let programs = match entries.iter().any(runs_git) {
        true => Programs::Needed,
        false => Programs::NotNeeded,
    };
    let upstreams = RunUpstreams::new(session, client.clone(), None, DEADLINE, programs)?;
    let stop = session.signals.listen()?;
    let progress = Arc::new(Progress::default());
    let display = &session.progress_display;
    let shown = display.show_units("entries", entries.len(), &progress, client);
    let limits = Limits {
        entries: CONCURRENT_ENTRIES,
        deadline: DEADLINE,
    };
    let on_end = |outcome: &Outcome<'_>| progress.row_done(outcome.result.is_err());
    let retrieving = tag_retrieval::retrieve(entries, &upstreams.clients, limits, on_end);
    let outcomes = tokio::select! {
        outcomes = Box::pin(retrieving) => outcomes,
        () = stop.cancelled() => return Err(Failure::interrupted("interrupted; nothing was copied")),
    };
    drop(shown);
    let outcomes = outcomes.into_iter();
    let entries = outcomes.filter_map(|outcome| FollowedEntry::new(&config.name, outcome, targets));
    let entries: Vec<FollowedEntry> = entries.collect();
    for entry in &entries {
        let rows = entry.result.as_ref().ok();
        for warning in rows.into_iter().flat_map(|rows| &rows.tags.warnings) {
            tracing::warn!("{}: {warning}", entry.name);
        }
    }
    Ok(FollowedEntries {
        entries,
        tag_lists: Arc::clone(&upstreams.clients.tag_lists),
    })
}

/// Returns the problems of the configuration, and the followed entries with names that are invalid in a row.
/// Returns none if there is no configuration. No request is sent.
///
/// # Errors
///
/// As [`config_file::read`].
pub(crate) fn config_findings(
    common: &CommonOptions,
    targets: &Targets,
) -> Result<Vec<Finding>, Failure> {
    Ok(match config_file::read(common)? {
        None => Vec::new(),
        Some(ReadConfig::Valid(config)) => invalid_names(&config, targets),
        Some(ReadConfig::Invalid { problems, .. }) => problems,
    })
}

fn invalid_names(config: &ConfigFile, targets: &Targets) -> Vec<Finding> {
    let mut findings = Vec::new();
    // The tag does not matter: only the names are checked.
    let Ok(tag) = "latest".parse::<Tag>() else {
        return findings;
    };
    for entry in followed(&config.config) {
        for image in entry.source.images() {
            let tags = vec![FollowedTag {
                source: image.source.clone(),
                destination: image.destination.clone().unwrap_or_default(),
                tag: tag.clone(),
                origin: Origin::Repository {
                    repository: image.source.clone(),
                },
            }];
            let tags = FollowedTags {
                tags,
                ..FollowedTags::default()
            };
            let rows = FollowedRows::new(tags, targets);
            if let Err(message) = rows {
                findings.push(Finding {
                    file: config.name.clone(),
                    line: entry.line,
                    message: format!("entry `{}`: {message}", entry.name),
                });
            }
        }
    }
    findings
}

fn followed(config: &Config) -> impl Iterator<Item = &Entry> {
    config.entries.iter().filter(|entry| entry.follow.is_some())
}
