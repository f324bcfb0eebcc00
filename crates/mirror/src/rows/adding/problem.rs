//! Reasons against adding an image.

use std::fmt::Display;

use image_name::{ManifestReference, RepositoryName};
use images_list::{Destination, DestinationTemplateError, ExpansionError, NamingError, Row};

/// The reason why an image cannot be added. Messages name the image before it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AddProblem {
    /// No row has this source.
    #[error(
        "{lists} has no row with this source{}; to add a new image, run `mirror add-tag` \
         with --new --dest DESTINATION; it needs approval (CONTRIBUTING, \"A new image\")",
        similar_sources(.similar)
    )]
    NotListed {
        /// The names of the lists.
        lists: String,
        /// Sources whose last two path components are the same.
        similar: Vec<RepositoryName>,
    },
    /// The source has several destinations, and the rule for them has no result.
    #[error("the source has the destinations {}: choose one with --dest", names(.destinations))]
    Ambiguous {
        /// All destinations of the source.
        destinations: Vec<Destination>,
    },
    /// The source has no row with the destination of `--dest`.
    #[error(
        "{} copies the source to {}, not to {named}: correct --dest, or add another destination \
         with --new",
        .lists, names(.destinations)
    )]
    NotADestination {
        /// The names of the lists.
        lists: String,
        /// The name given with `--dest`.
        named: Destination,
        /// All destinations of the source.
        destinations: Vec<Destination>,
    },
    /// A row already has the source and the destination of `--new`.
    #[error("{location} already copies the source to {destination}: run without --new")]
    NotNew {
        /// The destination given with `--dest`.
        destination: Destination,
        /// The location of a row with it.
        location: String,
    },
    /// A list already has the row.
    #[error("{location} already has `{row}`; skip existing rows with --skip-existing")]
    Present {
        /// The row.
        row: Box<Row>,
        /// Its location.
        location: String,
    },
    /// A list has the row as a comment.
    #[error("{location} has `{row}` commented out; to add it, remove the comment mark there")]
    CommentedOut {
        /// The row.
        row: Box<Row>,
        /// The location of the comment.
        location: String,
    },
    /// Another source already has the destination and the tag.
    #[error(
        "{location} already copies {other_source} to `{destination}:{tag}`: choose another \
         destination"
    )]
    Taken {
        /// The destination.
        destination: Destination,
        /// The tag at the destination.
        tag: ManifestReference,
        /// The source of the other row.
        other_source: RepositoryName,
        /// The location of the other row.
        location: String,
    },
    /// The source does not have the tag.
    #[error("the source has no such tag: list the tags with `mirror tags {repository}`")]
    NotAtSource {
        /// The full name of the source.
        repository: String,
    },
    /// The new destination repository does not exist.
    #[error("{0}")]
    NoDestination(String),
    /// The new destination stands for no repository.
    #[error("invalid destination `{destination}`: {reason}")]
    InvalidDestination {
        /// The destination.
        destination: Destination,
        /// The reason.
        reason: ExpansionError,
    },
    /// The naming rules have no name for the source.
    #[error("{0}; name the destination with --dest")]
    Naming(NamingError),
    /// The image does not satisfy the policy.
    #[error("{0}")]
    Rejected(String),
    /// The template of --dest gives no destination for the source.
    #[error("{0}; correct --dest")]
    Template(DestinationTemplateError),
    /// A request to a registry failed.
    #[error("{0}")]
    Registry(String),
}

fn names<T: Display>(names: &[T]) -> String {
    let names: Vec<_> = names.iter().map(T::to_string).collect();
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => names.join(""),
    }
}

fn similar_sources(similar: &[RepositoryName]) -> String {
    if similar.is_empty() {
        return String::new();
    }
    format!(" (similar: {})", names(similar))
}
