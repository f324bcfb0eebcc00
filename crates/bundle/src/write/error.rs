//! The reasons why an archive is not written.

use std::io;
use std::path::{Path, PathBuf};

use image_name::Digest;
use registry_client::Error;

/// The reason why an archive is not written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The file system failed.
    #[error("cannot write {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// Standard output, or whatever receives the stream, failed.
    #[error("cannot write the archive to its stream: {0}")]
    Stream(#[source] io::Error),
    /// Another process writes the same file.
    #[error("another process is writing {}", path.display())]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// The directory has other content.
    #[error("the directory {} is not empty and has no mirror.json", path.display())]
    OtherContent {
        /// The directory.
        path: PathBuf,
    },
    /// A blob was not downloaded.
    #[error("cannot read the blob {digest}: {source}")]
    Blob {
        /// The blob.
        digest: Digest,
        /// The cause.
        source: Error,
    },
    /// No source has a blob.
    #[error("no source has the blob {digest}")]
    NoSource {
        /// The blob.
        digest: Digest,
    },
    /// The archive does not have so many volumes.
    #[error("the archive has {volumes} volumes, and no volume {number}")]
    NoVolume {
        /// The number of volumes.
        volumes: u64,
        /// The volume.
        number: u64,
    },
    /// A volume that was written again has another digest than before.
    #[error(
        "volume {number} is not the one that {} lists: the archive has changed since",
        checksums.display()
    )]
    OtherVolume {
        /// The volume.
        number: u64,
        /// The file with the checksums.
        checksums: PathBuf,
    },
    /// A signal ended the export.
    #[error("the export was interrupted")]
    Interrupted,
}

impl WriteError {
    /// Returns the constructor for failures of one file.
    pub(super) fn io(path: &Path) -> impl Fn(io::Error) -> Self {
        move |source| Self::Io {
            path: path.to_owned(),
            source,
        }
    }
}
