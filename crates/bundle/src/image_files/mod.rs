//! Image files: `oci:`, `oci-archive:` and `docker-archive:`, as sources and destinations of one image.
//!
//! A file is one more kind of registry of the copying engine: [`SourceFile`] and [`DestinationFile`] give an
//! [`InProcessRegistry`](registry_client::InProcessRegistry), which a client takes in the place of a host. Nothing is
//! unpacked, and no server listens.
//!
//! The form of the arguments is that of skopeo: the path ends at the first colon, `@N` counts the images of
//! the file from 0, and a name of a layout must be equal.

mod answer;
mod archive_writer;
mod blob_writing;
mod compression;
mod container;
mod destination;
mod docker_archive;
mod docker_document;
mod docker_entry;
mod error;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod image_names;
mod layout_index;
mod layout_view;
mod layout_writer;
mod location;
mod registry;
mod source;
mod span;
mod store;
mod synthesized;
mod tar_members;

pub use destination::{DestinationFile, WrittenFile};
pub use error::ImageFileError;
pub use location::{ImageFile, ImageFileParseError, Selector, Transport};
pub use source::SourceFile;
