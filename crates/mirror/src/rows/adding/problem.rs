//! Why an image cannot be added.

use image_name::{ManifestReference, RepositoryName};
use images_list::Row;

/// What stands against adding an image. The image is named beside it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AddProblem {
    /// No row has this source.
    #[error(
        "{lists} has no such image{}; a new one is proposed with --new --dest DESTINATION and needs approval (CONTRIBUTING, \"A new image\")",
        alike(.similar)
    )]
    NotListed {
        /// The lists' names.
        lists: String,
        /// Sources whose last two components are the same.
        similar: Vec<RepositoryName>,
    },
    /// The rule does not decide between the destinations of the source.
    #[error("it goes to {}: say which with --dest", names(.destinations))]
    Ambiguous {
        /// All destinations of the source.
        destinations: Vec<RepositoryName>,
    },
    /// `--dest` is none of the source's destinations.
    #[error(
        "{} does not send it to {named} but to {}: correct --dest, or make it another destination with --new",
        .lists, names(.destinations)
    )]
    NotADestination {
        /// The lists' names.
        lists: String,
        /// The name given with `--dest`.
        named: RepositoryName,
        /// All destinations of the source.
        destinations: Vec<RepositoryName>,
    },
    /// `--new` for what the list has.
    #[error("it goes to {destination} already, as {place} says: leave out --new")]
    NotNew {
        /// The destination given with `--new`.
        destination: RepositoryName,
        /// A row with it.
        place: String,
    },
    /// The row is there.
    #[error("{place} has `{row}` already; --skip-existing passes over it")]
    Present {
        /// The row.
        row: Row,
        /// Where it is.
        place: String,
    },
    /// The row is there as a comment.
    #[error(
        "{place} has `{row}` commented out: somebody did not want it. Remove the comment mark there if that is over"
    )]
    CommentedOut {
        /// The row.
        row: Row,
        /// Where it is.
        place: String,
    },
    /// The place at the destination is taken.
    #[error(
        "`{destination}:{tag}` is filled by {source_there} already, {place}: choose another destination"
    )]
    Taken {
        /// Where the image would go.
        destination: RepositoryName,
        /// Under what tag.
        tag: ManifestReference,
        /// The source that is there.
        source_there: RepositoryName,
        /// The row with the destination.
        place: String,
    },
    /// The source was asked and lacks it.
    #[error("the source has no such tag: see what there is with `mirror tags {repository}`")]
    NotAtSource {
        /// The source's full name.
        repository: String,
    },
    /// The new destination was asked for and does not exist.
    #[error("{0}")]
    NoDestination(String),
    /// A registry could not be asked.
    #[error("{0}")]
    Registry(String),
}

fn names(repositories: &[RepositoryName]) -> String {
    let names: Vec<_> = repositories
        .iter()
        .map(RepositoryName::as_written)
        .collect();
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => names.join(""),
    }
}

fn alike(similar: &[RepositoryName]) -> String {
    match similar.len() {
        0 => String::new(),
        1 => format!(" (it has {}, which is another)", names(similar)),
        _ => format!(" (it has {}, which are others)", names(similar)),
    }
}
