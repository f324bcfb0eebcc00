//! The writing of a planned archive: to files in one pass with concurrent downloads, to a stream in order, or to
//! a directory.
//!
//! An interrupted run is continued by the same command. What is on disk is checked against its digests first.

mod archive_map;
mod blob_download;
mod directory;
mod early_sync;
mod error;
mod file_archive;
mod frames;
mod output_files;
mod prefetch;
mod stream_archive;
mod tar_format;

pub use archive_map::archive_size;
pub use blob_download::{BeginBlob, WriteContext};
pub use directory::write_directory;
pub use error::WriteError;
pub use file_archive::{write_file, write_volume};
pub use frames::{ZSTD_LEVEL, zstd_version};
pub use output_files::{Written, checksum_file};
pub use stream_archive::{write_compressed_file, write_stream};
