//! Image names on the command line, also with the prefix `docker://` of skopeo and containers.

use image_name::{ImageName, ImageNameError, RepositoryName, RepositoryNameError};
use images_list::{Destination, DestinationError};

/// Returns a name without the prefix `docker://`.
pub(crate) fn without_transport(text: &str) -> &str {
    text.strip_prefix("docker://").unwrap_or(text)
}

/// Parses the name of an image.
pub(crate) fn image(text: &str) -> Result<ImageName, ImageNameError> {
    without_transport(text).parse()
}

/// Parses the name of a repository.
pub(crate) fn repository(text: &str) -> Result<RepositoryName, RepositoryArgumentError> {
    let name: Result<_, RepositoryNameError> = without_transport(text).parse();
    Ok(name?)
}

/// Parses the destination of a row.
pub(crate) fn destination(text: &str) -> Result<Destination, DestinationError> {
    without_transport(text).parse()
}

/// The reason why an argument is not the name of a repository.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error}{}", advice(error))]
pub(crate) struct RepositoryArgumentError {
    #[from]
    error: RepositoryNameError,
}

fn advice(error: &RepositoryNameError) -> &'static str {
    match error {
        RepositoryNameError::Tag { .. } | RepositoryNameError::Digest => "; leave it out",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefix_of_containers_is_accepted_once() {
        assert_eq!(image("docker://q.io/a:1"), image("q.io/a:1"));
        assert_eq!(repository("docker://busybox"), repository("busybox"));
        let tagged = repository("busybox:1").unwrap_err().to_string();
        assert!(tagged.ends_with("; leave it out"), "{tagged}");
        for text in ["docker://docker://q.io/a", "https://q.io/a", "oci://q.io/a"] {
            assert!(image(text).is_err(), "{text}");
        }
    }
}
