//! Image names on the command line, also with the prefix `docker://` of skopeo and containers, and image
//! files.

use bundle::image_files::{ImageFile, ImageFileParseError};
use image_name::{ImageName, ImageNameError, RepositoryName, RepositoryNameError};
use images_list::{Destination, DestinationError};

/// Returns a name without the prefix `docker://`.
pub(crate) fn without_transport(text: &str) -> &str {
    text.strip_prefix("docker://").unwrap_or(text)
}

/// An image at a registry or in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ImageArgument {
    /// An image at a registry.
    Registry(ImageName),
    /// An image in a file: `oci:`, `oci-archive:`, `docker-archive:`.
    File(ImageFile),
}

/// The reason why an argument is neither.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ImageArgumentError {
    /// The text after the transport is invalid.
    #[error(transparent)]
    File(#[from] ImageFileParseError),
    /// A transport of skopeo that is not supported.
    #[error(
        "the transport `{0}:` is not supported: use oci:, oci-archive: or docker-archive:, or write an image of this name as docker://{0}:TAG"
    )]
    Transport(&'static str),
    /// The name is invalid.
    #[error(transparent)]
    Name(#[from] ImageNameError),
}

/// The other transports of skopeo.
const OTHER_TRANSPORTS: [&str; 7] = [
    "atomic",
    "containers-storage",
    "dir",
    "docker-daemon",
    "ostree",
    "sif",
    "tarball",
];

/// Parses an image at a registry or in a file.
///
/// `oci:v1` is a directory, as with skopeo, and `dir:v1` is no image. `docker://oci:v1` is one.
pub(crate) fn image_or_file(text: &str) -> Result<ImageArgument, ImageArgumentError> {
    if ImageFile::has_transport(text) {
        return Ok(ImageArgument::File(text.parse()?));
    }
    let prefix = text.split_once(':').map(|(prefix, _)| prefix);
    let mut others = OTHER_TRANSPORTS.into_iter();
    if let Some(transport) = others.find(|other| Some(*other) == prefix) {
        return Err(ImageArgumentError::Transport(transport));
    }
    Ok(ImageArgument::Registry(image(text)?))
}

/// Parses the name of an image.
///
/// A host alone is refused. As a name it would mean an image of Docker Hub, `docker.io/library/quay.io`.
pub(crate) fn image(text: &str) -> Result<ImageName, ImageNameError> {
    let name: ImageName = without_transport(text).parse()?;
    refuse_host(&name.repository)?;
    Ok(name)
}

/// Refuses a name that is a host without a repository.
fn refuse_host(name: &RepositoryName) -> Result<(), RepositoryNameError> {
    let written = name.as_written();
    if !written.contains('.') || written.contains('/') {
        return Ok(());
    }
    let host = written.to_owned();
    Err(RepositoryNameError::HostOnly { host })
}

/// Parses the name of a repository.
pub(crate) fn repository(text: &str) -> Result<RepositoryName, RepositoryArgumentError> {
    let name: RepositoryName = without_transport(text).parse()?;
    refuse_host(&name)?;
    Ok(name)
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
    fn transports_of_files_are_told_from_names() {
        for text in ["oci:v1", "oci-archive:a.tar:v1", "docker-archive:a.tar"] {
            assert!(
                matches!(image_or_file(text), Ok(ImageArgument::File(_))),
                "{text}"
            );
        }
        for text in [
            "docker://oci:v1",
            "docker://dir:v1",
            "q.io/oci:v1",
            "oci-archive",
        ] {
            let found = image_or_file(text);
            assert!(
                matches!(found, Ok(ImageArgument::Registry(_))),
                "{text}: {found:?}"
            );
        }
        for text in ["dir:/tmp/a", "dir:v1"] {
            assert_eq!(
                image_or_file(text),
                Err(ImageArgumentError::Transport("dir"))
            );
        }
        assert!(matches!(
            image_or_file("q.io/A"),
            Err(ImageArgumentError::Name(_))
        ));
    }

    #[test]
    fn host_without_a_repository_is_no_image() {
        for text in [
            "quay.io",
            "docker://quay.io",
            "quay.io:v1",
            "registry.example.com",
        ] {
            let error = image(text).unwrap_err().to_string();
            assert!(
                error.contains("is a host without a repository"),
                "{text}: {error}"
            );
        }
        let error = repository("quay.io").unwrap_err().to_string();
        assert!(error.contains("write quay.io/REPOSITORY"), "{error}");
        for text in [
            "busybox",
            "busybox:1.36",
            "quay.io/a",
            "docker.io/library/quay.io",
            "localhost",
        ] {
            assert!(image(text).is_ok(), "{text}");
        }
    }

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
