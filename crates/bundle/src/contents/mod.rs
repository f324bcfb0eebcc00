//! `mirror.json`, the first member of a bundle: its images, every other member with digest and size, and
//! the content that the destination must have already.

mod document;
mod document_reader;
mod image;
mod member_path;
mod names;

pub use document::{
    Base, Compression, CompressionFormat, Contents, ForeignLayer, LayoutKind, Member, NamedBy,
    Requirement,
};
pub use document_reader::{ContentsError, MAX_CONTENTS};
pub use image::{AttachedManifest, BundledImage};
pub use member_path::{CONTENTS_FILE, MemberFile, MemberPath, MemberPathError};
