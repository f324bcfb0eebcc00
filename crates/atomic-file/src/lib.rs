//! Atomic writes: readers see a file with its old or its new content, never with a part of it.
//!
//! - New content goes to a temporary file in the same directory, is synced to disk, and replaces
//!   the file by a rename. The directory is synced as well, so that the rename survives a power
//!   loss.
//! - A symbolic link stays a link: its target is replaced, or created.
//! - A pipe or a device (`/dev/stderr`) is written to, not replaced.
//! - A process that is killed can leave a temporary file (`.tmp-…`) behind. No lock file exists.
//!
//! A file can be staged before others are committed, so that most failures come before the first
//! file changes.
//!
//! ```
//! use atomic_file::{Mode, StagedFile};
//!
//! # fn main() -> std::io::Result<()> {
//! # let directory = tempfile::tempdir()?;
//! # let (list, lock) = (directory.path().join("list"), directory.path().join("lock"));
//! let staged = [
//!     StagedFile::new(&list, b"rows", Mode::Keep)?,
//!     StagedFile::new(&lock, b"digests", Mode::Keep)?,
//! ];
//! for file in staged {
//!     file.commit()?;
//! }
//! assert_eq!(std::fs::read(&list)?, b"rows");
//! # Ok(())
//! # }
//! ```

mod staged_file;

pub use staged_file::{Mode, StagedFile, directory_of, resolve_link};
