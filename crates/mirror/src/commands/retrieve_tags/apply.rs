//! `--apply`: adds new versions to the lists on disk.

use std::collections::BTreeMap;
use std::path::PathBuf;

use image_name::{ManifestReference, RepositoryName};
use images_list::Destination;
use tag_retrieval::FoundTag;

use super::retrieval::{EntryState, Retrieval};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::registries::availability::{AvailabilityChecker, ImageTag};
use crate::registries::signature_check::SignatureCheck;
use crate::rows::adding::{
    AddOptions, AddProblem, AddRequest, DestinationChoice, ImageProblem, add,
};
use crate::session::Session;
use crate::terminal::output;

/// Adds new versions after the checks of `add-tag`. Images without a row in the lists, and images
/// that are announced but not yet at their source, are logged and left out.
///
/// # Errors
///
/// [`Failure`] for lists that cannot be read or written.
pub(crate) async fn apply(
    session: &Session,
    retrieval: &Retrieval,
    paths: &[PathBuf],
    dry_run: bool,
) -> Result<Exit, Failure> {
    let signatures = SignatureCheck::read(session, paths)?;
    let checker = AvailabilityChecker::new(&session.common, &session.environment)?
        .with_signatures(signatures);
    let _waiting = session.progress_display.show_requests(checker.client());
    let how = AddOptions {
        keep_going: true,
        skip_existing: true,
        dry_run,
        sort: false,
    };
    let pairs = retrieval
        .entries
        .iter()
        .filter_map(|entry| match &entry.state {
            EntryState::Retrieved { new_tags, .. } => Some(&new_tags.new),
            EntryState::Failed(_) => None,
        });
    let mut exit = Exit::Done;
    let mut added = 0;
    for request in add_requests(pairs.flatten()) {
        let report = add(session, &checker, how, &request, paths).await?;
        for problem in &report.outcome.problems {
            exit = exit.max(log_problem(problem));
        }
        for warning in &report.outcome.warnings {
            tracing::warn!("{warning}");
        }
        added += report.rows.len();
        output::notice(&match &report.diff {
            Some(diff) => diff.clone(),
            None => report
                .rows
                .iter()
                .map(|added| {
                    let signer = added.verification.as_ref();
                    let signer = signer.map(|signer| format!("  {signer}\n"));
                    let signer = signer.unwrap_or_default();
                    format!("{}: added `{}`\n{signer}", added.location, added.row)
                })
                .collect(),
        });
    }
    if added == 0 {
        output::notice("nothing to add\n");
    }
    Ok(exit)
}

/// Logs the reason why an image is left out, and returns the exit status.
pub(super) fn log_problem(ImageProblem { image, problem, .. }: &ImageProblem) -> Exit {
    match problem {
        AddProblem::NotListed { .. } => {
            tracing::warn!("{image} is not mapped: {problem}");
            Exit::Done
        }
        AddProblem::NotAtSource { .. } => {
            tracing::warn!("{image} is announced but not yet at its source; left out");
            Exit::Done
        }
        AddProblem::Rejected(_) => {
            tracing::warn!("{image} is left out: {problem}");
            Exit::Done
        }
        // The hints of `add-tag` name options; an entry has keys of the configuration instead.
        AddProblem::Ambiguous { destinations } => {
            let all = names(destinations);
            tracing::error!(
                "{image} goes to {all}: say which in the configuration, with \
                 {{\"source\": …, \"destination\": …}} in `images`"
            );
            Exit::Failed
        }
        AddProblem::NotADestination {
            named,
            destinations,
            ..
        } => {
            let all = names(destinations);
            tracing::error!(
                "{image} does not go to {named} but to {all}: correct `destination` in the \
                 configuration, or make it another destination with `mirror add-tag --new`"
            );
            Exit::Failed
        }
        _ => {
            tracing::error!("{image}: {problem}");
            Exit::Failed
        }
    }
}

fn names(destinations: &[Destination]) -> String {
    let names: Vec<_> = destinations.iter().map(Destination::as_written).collect();
    names.join(" and ")
}

/// Returns one request for each destination in the configuration, and one for all other images.
pub(super) fn add_requests<'a>(pairs: impl Iterator<Item = &'a FoundTag>) -> Vec<AddRequest> {
    let mut by_destination: BTreeMap<Option<String>, Vec<ImageTag>> = BTreeMap::new();
    for pair in pairs {
        let new = match image_tag(pair) {
            Ok(new) => new,
            Err(why) => {
                tracing::warn!("{} can be in no list: {why}", pair.full_image());
                continue;
            }
        };
        let images = by_destination.entry(pair.destination.clone()).or_default();
        if !images.contains(&new) {
            images.push(new);
        }
    }
    let requests = by_destination.into_iter().filter_map(|(name, images)| {
        let destination = match name {
            None => DestinationChoice::FromListOrDefault,
            Some(name) => match name.parse::<Destination>() {
                Ok(named) => DestinationChoice::Named(named),
                Err(why) => {
                    tracing::warn!("{name} can be no destination: {why}");
                    return None;
                }
            },
        };
        Some(AddRequest {
            images,
            destination,
        })
    });
    requests.collect()
}

/// Parses an image with the grammar of lists, which is stricter than that of charts.
fn image_tag(pair: &FoundTag) -> Result<ImageTag, String> {
    let source = pair.image.parse::<RepositoryName>();
    let tag = pair.tag.parse::<ManifestReference>();
    Ok(ImageTag {
        source: source.map_err(|error| error.to_string())?,
        tag: tag.map_err(|error| error.to_string())?,
        pinned_tag: None,
    })
}

#[cfg(test)]
mod tests {
    use tag_retrieval::Origin;

    use super::*;

    #[test]
    fn invalid_host_is_an_error() {
        let pair = |image: &str| FoundTag {
            image: image.to_owned(),
            tag: "1".to_owned(),
            destination: None,
            origin: Origin::Repository {
                repository: image.to_owned(),
            },
        };
        assert!(image_tag(&pair("quay.io:443/a/b")).is_ok());
        let why = image_tag(&pair("quay.io:99999/a/b")).unwrap_err();
        assert!(why.starts_with("`quay.io:99999` is not a host"), "{why}");
    }
}
