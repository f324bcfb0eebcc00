//! `mirror tags`: lists the tags of a repository in version order.

use std::fmt;

use clap::Args;
use image_name::{RepositoryName, Tag};
use images_list::compare_lines;
use oci_spec::distribution::Reference;
use serde::Serialize;
use tag_retrieval::filters::compare_tags;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::image_argument;
use crate::registries::client;
use crate::rows::globs::Globs;
use crate::session::Session;
use crate::terminal::hints::{self, Operation};

/// The arguments of `tags`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mirror tags quay.io/coreos/etcd
  mirror tags quay.io/coreos/etcd --match 'v3.5.*'
  mirror tags busybox --output json")]
pub(crate) struct TagsArgs {
    /// Repository, without a tag
    #[arg(value_name = "REPO", value_parser = image_argument::repository)]
    pub(crate) repository: RepositoryName,
    /// List only matching tags, in the order of SemVer: `1.2-rc1` before `1.2`
    ///
    /// `*` matches any text, `{a,b}` either part. A tag that is no version comes first.
    #[arg(long = "match", value_name = "GLOB")]
    globs: Vec<String>,
}

/// The result, an array of strings in JSON.
#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Tags(Vec<String>);

impl fmt::Display for Tags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|tag| writeln!(f, "{tag}"))
    }
}

/// Runs the command.
///
/// # Errors
///
/// [`Failure`] if the repository does not exist or cannot be read.
pub(super) async fn run(session: &Session, args: &TagsArgs) -> Result<Exit, Failure> {
    let globs = Globs::parse("--match", &args.globs)?;
    let repository = &args.repository;
    // The client requires an image reference; the tag is not used.
    let reference = Reference::with_tag(
        repository.host().to_string(),
        repository.path().to_string(),
        "latest".to_owned(),
    );
    let client = client::build(&session.common, &session.environment)?;
    let _waiting = session.progress_display.show_requests(&client);
    let to_failure =
        |error: registry_client::Error| hints::request_failure(Operation::Read, &reference, &error);
    // A mirror that fails or lacks the repository is skipped; the last location, the registry, decides.
    let mut decisive = Ok(None);
    for source in client.sources(&reference).map_err(to_failure)? {
        let matching = |tags: &mut Vec<String>, tag: Tag| {
            if globs.is_empty() || globs.matches_name(tag.as_str()) {
                tags.push(tag.to_string());
            }
        };
        decisive = source.fold_tags(Vec::new, matching).await;
        if matches!(decisive, Ok(Some(_))) {
            break;
        }
    }
    let Some(list) = decisive.map_err(to_failure)? else {
        let (host, path) = (repository.host(), repository.path());
        let message = format!("the repository {host}/{path} does not exist");
        let hint = format!(
            "check the name; if the repository is private, run `mirror login {host}` first"
        );
        return Err(Failure::failed(message).hint(hint));
    };
    for warning in list.listing.warnings() {
        tracing::warn!("{warning}");
    }
    let mut tags: Vec<String> = list.tags;
    if globs.is_empty() {
        tags.sort_by(|a, b| compare_lines(a, b));
    } else {
        tags.sort_by(|a, b| compare_tags(a, b));
    }
    tags.dedup();
    let tags = Tags(tags);
    session.output.write(&tags, &tags)?;
    Ok(Exit::Done)
}
