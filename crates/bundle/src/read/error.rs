//! The reasons why a bundle is refused.

use std::io;

use image_name::Digest;

use crate::contents::{ContentsError, MAX_CONTENTS, MemberPath, MemberPathError};
use crate::signing::SignatureError;

/// The reason why a bundle cannot be read, or is refused.
///
/// A message that quotes the bundle quotes it escaped and cut.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// A file or directory cannot be read.
    #[error("cannot read {name}: {source}")]
    Io {
        /// The file or directory.
        name: String,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// A file of a directory is a symbolic link, a device or anything but a regular file.
    #[error("{name} is {kind}, not a regular file")]
    FileType {
        /// The path in the bundle.
        name: String,
        /// Its kind, with an article.
        kind: &'static str,
    },
    /// A volume is missing, damaged or not of the set.
    #[error(transparent)]
    Volume(#[from] VolumeError),
    /// The archive does not start with `mirror.json`.
    #[error("not a bundle of mirror export: the archive starts with {found}, not with mirror.json")]
    NotABundle {
        /// The first member, or the first bytes.
        found: String,
    },
    /// The directory has no `mirror.json`.
    #[error("not a bundle of mirror export: the directory {name} has no mirror.json")]
    NotABundleDirectory {
        /// The directory.
        name: String,
    },
    /// A tar header is not valid.
    #[error("the tar header at byte {position} is not valid: {detail}")]
    Header {
        /// The position in the uncompressed archive.
        position: u64,
        /// The cause.
        detail: String,
    },
    /// A member of the archive is a link, a device, an extended header or anything but a regular file.
    #[error("the member `{path}` of the archive is {kind}, not a regular file")]
    EntryType {
        /// The path, escaped and cut.
        path: String,
        /// Its kind, with an article.
        kind: String,
    },
    /// The path of a member is none that a bundle has.
    #[error("the archive has a member that no bundle has: {0}")]
    Path(#[from] MemberPathError),
    /// `mirror.json` or its signature is too long.
    #[error("{name} has {size} bytes, more than the maximum of {maximum}")]
    TooLong {
        /// The document.
        name: String,
        /// Its size in bytes.
        size: u64,
        /// The maximum in bytes.
        maximum: u64,
    },
    /// `mirror.json` is not valid.
    #[error(transparent)]
    Contents(#[from] ContentsError),
    /// `mirror.json` contradicts itself.
    #[error("mirror.json contradicts itself: {0}")]
    Claim(#[from] ClaimError),
    /// The bundle has no signature, and one is required.
    #[error("the bundle is not signed, and a key to verify it was given")]
    Unsigned,
    /// The signature does not fit the key or the contents.
    #[error("the signature of mirror.json is refused: {0}")]
    Signature(#[from] SignatureError),
    /// The archive has a member that `mirror.json` does not list.
    #[error("the archive has the member {path}, which mirror.json does not list")]
    Unlisted {
        /// The path.
        path: MemberPath,
    },
    /// The archive has a member twice.
    #[error("the archive has the member {path} twice")]
    Duplicate {
        /// The path.
        path: MemberPath,
    },
    /// The archive has another order than `mirror.json`.
    #[error("the archive has the member {found} where mirror.json lists {expected}")]
    Order {
        /// The member in the archive.
        found: MemberPath,
        /// The member in `mirror.json`.
        expected: MemberPath,
    },
    /// A member has another size than `mirror.json` lists.
    #[error("the member {path} has {actual} bytes, and mirror.json lists {listed}")]
    Size {
        /// The path.
        path: MemberPath,
        /// The size in `mirror.json`.
        listed: u64,
        /// The size in the archive or directory.
        actual: u64,
    },
    /// A member has other content than `mirror.json` lists.
    #[error("the content of the member {path} is damaged: its digest is {actual}")]
    Digest {
        /// The path.
        path: MemberPath,
        /// The digest of its content.
        actual: String,
    },
    /// A member of a directory is missing.
    #[error("the member {path} is missing from the directory")]
    Missing {
        /// The path.
        path: MemberPath,
    },
    /// The archive ends before its end.
    #[error("the archive ends early, {within}")]
    Truncated {
        /// The place.
        within: String,
    },
    /// Something other than zeros follows the last member, or more zeros than any tar writes.
    #[error("the archive has {0} after its end")]
    Trailing(&'static str),
    /// The compressed data cannot be decompressed.
    #[error("the archive cannot be decompressed: {detail}")]
    Compression {
        /// The cause.
        detail: String,
    },
    /// The compressed data expands to far more than its size.
    #[error(
        "the archive expands to more than {factor} times its size, as no bundle does: refused as a decompression bomb"
    )]
    Bomb {
        /// The maximum factor.
        factor: u64,
    },
    /// The manifests do not come first, or do not fit into memory.
    #[error("the bundle cannot be read as a stream: {detail}")]
    Stream {
        /// The cause.
        detail: String,
    },
    /// A manifest is not valid.
    #[error(transparent)]
    Manifest(#[from] registry_client::ManifestError),
    /// The content of the images is not complete.
    #[error("the bundle is incomplete: {0}")]
    Incomplete(#[from] ReferenceError),
}

/// The reason why volumes are not a whole archive.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VolumeError {
    /// The given files are not volumes of one archive.
    #[error("{name} is not a volume of {base}")]
    Foreign {
        /// The file.
        name: String,
        /// The archive.
        base: String,
    },
    /// A volume is given twice.
    #[error("volume {number:03} of {base} is given twice")]
    Twice {
        /// The number.
        number: u32,
        /// The archive.
        base: String,
    },
    /// Volumes are missing.
    #[error("volumes of {base} are missing: {}", numbers(.missing))]
    Missing {
        /// The archive.
        base: String,
        /// Their numbers.
        missing: Vec<u32>,
    },
    /// A volume has another size than the first one.
    #[error(
        "volume {name} has {actual} bytes, and every volume before the last has {expected}: it is damaged"
    )]
    Size {
        /// The volume.
        name: String,
        /// The size of the others.
        expected: u64,
        /// Its size.
        actual: u64,
    },
    /// Volumes do not have the checksums of the archive's file of checksums.
    #[error("damaged volumes by {checksums}: {}", .damaged.join(", "))]
    Damaged {
        /// The file of checksums.
        checksums: String,
        /// The volumes.
        damaged: Vec<String>,
    },
    /// The file of checksums is not valid.
    #[error("{name} is no list of SHA-256 checksums: line {line}")]
    Checksums {
        /// The file.
        name: String,
        /// The line.
        line: usize,
    },
}

fn numbers(numbers: &[u32]) -> String {
    let numbers: Vec<String> = numbers
        .iter()
        .map(|number| format!("{number:03}"))
        .collect();
    numbers.join(", ")
}

/// A contradiction within `mirror.json`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClaimError {
    /// An image is neither in the bundle nor required.
    #[error("the image {image} is {digest}, which the bundle neither has nor requires")]
    NoImage {
        /// The image, or the manifest that it is attached to.
        image: String,
        /// The digest.
        digest: Digest,
    },
    /// An image has another size than its member.
    #[error(
        "{digest} of the image {image} has {claimed} bytes there and {listed} among the members"
    )]
    Size {
        /// The image.
        image: String,
        /// The digest.
        digest: Digest,
        /// The size of the image.
        claimed: u64,
        /// The size of the member.
        listed: u64,
    },
    /// Two images with different contents have the same destination.
    #[error("two images have the destination {destination}")]
    Destination {
        /// The destination with its tag.
        destination: String,
    },
    /// The tag of attached content is not a tag about its subject.
    #[error("{tag} is no tag about the digest {subject}")]
    AttachedTag {
        /// The tag.
        tag: String,
        /// The subject.
        subject: Digest,
    },
    /// A destination is by a digest other than that of its image.
    #[error("the destination {destination} is not the digest {digest} of its image")]
    DestinationDigest {
        /// The destination.
        destination: String,
        /// The digest.
        digest: Digest,
    },
    /// Required content names no repository that has it.
    #[error("no repository is named for the required {digest}")]
    NoRepository {
        /// The digest.
        digest: Digest,
    },
}

/// A reference that leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReferenceError {
    /// Content is neither in the bundle nor required nor foreign.
    #[error("{parent} refers to {child}, which is neither in the bundle nor required")]
    Missing {
        /// The manifest.
        parent: Digest,
        /// The content.
        child: Digest,
    },
    /// Content has another size than its descriptor.
    #[error("{parent} refers to {child} with {claimed} bytes, and it has {actual}")]
    Size {
        /// The manifest.
        parent: Digest,
        /// The content.
        child: Digest,
        /// The size in the descriptor.
        claimed: u64,
        /// The size of the member.
        actual: u64,
    },
    /// Manifests are nested too deep.
    #[error("{digest} is nested in more than {maximum} indexes")]
    Depth {
        /// The manifest.
        digest: Digest,
        /// The maximum.
        maximum: usize,
    },
    /// A manifest is too long.
    #[error("the manifest {digest} has {size} bytes, more than the maximum of {maximum}")]
    TooLong {
        /// The manifest.
        digest: Digest,
        /// Its size in bytes.
        size: u64,
        /// The maximum in bytes.
        maximum: u64,
    },
    /// A descriptor has a digest that cannot be verified.
    #[error("{parent} refers to content by a digest that cannot be verified: {detail}")]
    Digest {
        /// The manifest.
        parent: Digest,
        /// The cause.
        detail: String,
    },
    /// A referrer names another subject than `mirror.json`.
    #[error("{referrer} is attached to {subject}, and names another subject")]
    Subject {
        /// The referrer.
        referrer: Digest,
        /// The subject in `mirror.json`.
        subject: Digest,
    },
    /// A member, or required content, belongs to no image.
    #[error("{path} belongs to no image")]
    Unreferenced {
        /// The member, or the digest.
        path: String,
    },
    /// The images refer to far more content than those of any list.
    #[error("the images refer to content more than {maximum} times")]
    TooMany {
        /// The maximum.
        maximum: u64,
    },
}

impl ReadError {
    /// Creates the error of a file.
    pub(super) fn io(name: impl Into<String>, source: io::Error) -> Self {
        Self::Io {
            name: name.into(),
            source,
        }
    }

    /// Checks the size of a document before it is read.
    pub(super) fn check_length(name: &str, size: u64, maximum: u64) -> Result<(), Self> {
        if size <= maximum {
            return Ok(());
        }
        Err(Self::TooLong {
            name: name.to_owned(),
            size,
            maximum,
        })
    }
}

/// The maximum size of `mirror.json`.
pub(super) const MAX_DOCUMENT: u64 = MAX_CONTENTS;
/// The maximum size of a signature in bytes.
pub(super) const MAX_SIGNATURE: u64 = 16 * 1024;
/// The maximum size of a manifest in bytes, as when it is read from a registry.
pub(super) const MAX_MANIFEST: u64 = 8 * 1024 * 1024;

/// Returns bytes of a bundle for a message.
pub(super) fn printable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]);
    text.escape_debug().to_string()
}
