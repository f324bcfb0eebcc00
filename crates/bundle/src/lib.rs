//! Images as one file, for the way across an air gap.
//!
//! # The problem
//!
//! A bundle holds the images of a list in one OCI image layout, as a tar archive, a directory or a stream, so
//! that other tools can read it too. It is written in one pass and needs no other disk space; everything in
//! it is checked against its digest when it is read.
//!
//! ```
//! use bundle::contents::{Contents, MemberPath};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let contents = Contents::new("example 1.0");
//! let bytes = contents.to_bytes();
//! assert_eq!(Contents::parse(&bytes)?, contents);
//! assert!("blobs/sha256/../../etc/passwd".parse::<MemberPath>().is_err());
//! # Ok(())
//! # }
//! ```
//!
//! # Invariants
//!
//! - Only a [`contents::MemberPath`] becomes a path in an archive or a directory.
//! - The same images give the same bytes: documents are sorted and have no date.

pub mod base;
pub mod contents;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod image_files;
pub mod layout;
pub mod plan;
pub mod read;
pub mod recording;
pub mod signing;
pub mod write;
