//! The names of image files, as skopeo writes them.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use image_name::{ImageName, ImageNameError};

/// The maximum length of a name in a file, in bytes.
const MAX_NAME: usize = 1024;

/// The form of an image file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// A directory with an OCI image layout.
    Oci,
    /// A tar archive of an OCI image layout.
    OciArchive,
    /// A tar archive as `docker save` writes it.
    DockerArchive,
}

impl Transport {
    /// All transports.
    pub const ALL: [Self; 3] = [Self::Oci, Self::OciArchive, Self::DockerArchive];

    /// Returns the prefix without its colon.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Oci => "oci",
            Self::OciArchive => "oci-archive",
            Self::DockerArchive => "docker-archive",
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The choice of an image in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// No choice: the only image of a source, a destination without a name.
    Only,
    /// The image with a name.
    Name(String),
    /// The image at a position of the file's index, from 0.
    Position(usize),
}

/// An image in a file: `TRANSPORT:PATH[:NAME]` or `TRANSPORT:PATH:@N`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageFile {
    /// The form of the file.
    pub transport: Transport,
    /// The file or directory.
    pub path: PathBuf,
    /// The image in it.
    pub selector: Selector,
}

/// The reason why a text is not the name of an image file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImageFileParseError {
    /// The text begins with no transport.
    #[error("it begins with none of oci:, oci-archive: and docker-archive:")]
    Transport,
    /// The path is empty.
    #[error("the path after `{transport}:` is empty")]
    NoPath {
        /// The transport.
        transport: Transport,
    },
    /// The position is no number.
    #[error("`{text}` is no position: write @0 for the first image of the file")]
    Position {
        /// The text after the path.
        text: String,
    },
    /// The name has characters that names of images do not have.
    #[error("the name `{}` has characters other than ASCII letters, digits and . _ - + : / @", text.escape_debug())]
    Name {
        /// The name.
        text: String,
    },
    /// The name of an image in a docker archive is no image name.
    #[error("the name in a docker archive must be an image name: {0}")]
    DockerName(#[from] ImageNameError),
    /// The name of an image in a docker archive has a digest, which the format cannot hold.
    #[error("an image in a docker archive has no digest in its name: leave `@{digest}` out")]
    DockerDigest {
        /// The digest.
        digest: String,
    },
}

impl ImageFile {
    /// Returns whether a text begins with a transport, and is no image name for that reason.
    #[must_use]
    pub fn has_transport(text: &str) -> bool {
        split_transport(text).is_some()
    }

    /// Returns the text before the name: `TRANSPORT:PATH`.
    #[must_use]
    pub fn place(&self) -> String {
        format!("{}:{}", self.transport, self.path.display())
    }

    /// Returns the directory or file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn split_transport(text: &str) -> Option<(Transport, &str)> {
    let (prefix, rest) = text.split_once(':')?;
    let mut all = Transport::ALL.into_iter();
    let transport = all.find(|transport| transport.as_str() == prefix)?;
    Some((transport, rest))
}

impl FromStr for ImageFile {
    type Err = ImageFileParseError;

    fn from_str(text: &str) -> Result<Self, ImageFileParseError> {
        let (transport, rest) = split_transport(text).ok_or(ImageFileParseError::Transport)?;
        let (path, name) = match rest.split_once(':') {
            Some((path, name)) => (path, name),
            None => (rest, ""),
        };
        if path.is_empty() {
            return Err(ImageFileParseError::NoPath { transport });
        }
        let selector = match name {
            "" => Selector::Only,
            name => match name.strip_prefix('@') {
                Some(number) => Selector::Position(position(number)?),
                None => Selector::Name(checked_name(transport, name)?),
            },
        };
        Ok(Self {
            transport,
            path: path.into(),
            selector,
        })
    }
}

fn position(number: &str) -> Result<usize, ImageFileParseError> {
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let parsed = digits.then(|| number.parse().ok()).flatten();
    parsed.ok_or_else(|| ImageFileParseError::Position {
        text: format!("@{number}"),
    })
}

/// Returns a name as it stands in the file. That of a docker archive is a full image name with a tag.
fn checked_name(transport: Transport, name: &str) -> Result<String, ImageFileParseError> {
    if transport == Transport::DockerArchive {
        let image: ImageName = name.parse()?;
        if let Some(digest) = &image.digest {
            return Err(ImageFileParseError::DockerDigest {
                digest: digest.to_string(),
            });
        }
        return Ok(image.reference(None).to_string());
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-+:/@".contains(&byte);
    if name.len() > MAX_NAME || !name.bytes().all(allowed) {
        return Err(ImageFileParseError::Name {
            text: name.chars().take(200).collect(),
        });
    }
    Ok(name.to_owned())
}

impl fmt::Display for ImageFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.place())?;
        match &self.selector {
            Selector::Only => Ok(()),
            Selector::Name(name) => write!(f, ":{name}"),
            Selector::Position(position) => write!(f, ":@{position}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (Transport, String, Selector) {
        let file: ImageFile = text.parse().unwrap();
        (
            file.transport,
            file.path.display().to_string(),
            file.selector,
        )
    }

    #[test]
    fn path_ends_at_the_first_colon() {
        let name = |text: &str| Selector::Name(text.to_owned());
        let table = [
            ("oci:dir", Transport::Oci, "dir", Selector::Only),
            ("oci:dir:", Transport::Oci, "dir", Selector::Only),
            ("oci:/a/b:v1", Transport::Oci, "/a/b", name("v1")),
            (
                "oci:d:r.io:5000/a:v1",
                Transport::Oci,
                "d",
                name("r.io:5000/a:v1"),
            ),
            ("oci:d:@2", Transport::Oci, "d", Selector::Position(2)),
            (
                "oci-archive:f.tar",
                Transport::OciArchive,
                "f.tar",
                Selector::Only,
            ),
            (
                "docker-archive:f.tar:busybox",
                Transport::DockerArchive,
                "f.tar",
                name("docker.io/library/busybox:latest"),
            ),
            (
                "docker-archive:f.tar:@0",
                Transport::DockerArchive,
                "f.tar",
                Selector::Position(0),
            ),
        ];
        for (text, transport, path, selector) in table {
            assert_eq!(
                parsed(text),
                (transport, path.to_owned(), selector),
                "{text}"
            );
        }
    }

    #[test]
    fn invalid_names_are_refused_with_their_cause() {
        let digest = format!("sha256:{}", "a".repeat(64));
        for (text, cause) in [
            ("busybox:1", "none of oci:"),
            ("dir:/tmp", "none of oci:"),
            ("oci:", "empty"),
            ("oci-archive::v1", "empty"),
            ("oci:d:@x", "@0"),
            ("oci:d:@", "@0"),
            ("oci:d:a b", "characters"),
            ("oci:d:a\u{1b}[2J", "characters"),
            ("docker-archive:f:UPPER/x", "image name"),
            (&format!("docker-archive:f:a@{digest}"), "leave `@sha256:"),
        ] {
            let error = text.parse::<ImageFile>().unwrap_err().to_string();
            assert!(error.contains(cause), "{text}: {error}");
        }
    }

    #[test]
    fn text_survives_a_round_trip() {
        for text in [
            "oci:/a:v1",
            "oci-archive:f.tar",
            "docker-archive:f:docker.io/library/a:1",
            "oci:d:@3",
        ] {
            assert_eq!(text.parse::<ImageFile>().unwrap().to_string(), text);
        }
    }
}
