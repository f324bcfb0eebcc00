//! The list of mirrored images: a text file of rows `SOURCE DESTINATION TAG`, where the second column
//! can also name targets (`@NAME/PATH`), and the third can also pin a digest (`TAG@DIGEST`) and name
//! the tags to write (`TAG=TAG,TAG`). The targets are defined in a file of their own, [`Targets`].
//!
//! # The problem
//!
//! The list is reviewed in pull requests, edited by people and jobs, and read by scripts. An editor
//! of the list must therefore leave all other bytes unchanged, insert rows in the order of `sort -V`,
//! and report all problems of a file at once, by line. This crate does so with text alone: it reads
//! no files and sends no requests.
//!
//! # Example
//!
//! ```
//! use images_list::{Checker, Diff, InsertOutcome, List, ListIndex, Row};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let text = "# SOURCE DESTINATION TAG\r\nbusybox mirror/busybox 1.36\r\n";
//! let base = List::parse(text);
//! assert_eq!(base.to_string(), text);
//!
//! // Add a tag of a source to each of its destinations.
//! let source = "docker.io/library/busybox".parse()?;
//! let index = ListIndex::new(&base);
//! let known = index.source(&source).ok_or("not in the list")?;
//! let mut list = base.clone();
//! for destination in &known.destinations {
//!     let destination = (*destination).clone();
//!     let row = Row { source: known.repository.clone(), destination, tag: "1.9".parse()? };
//!     assert_eq!(list.insert(row), InsertOutcome::Inserted { line: 2 });
//! }
//! assert!(list.to_string().contains("mirror/busybox 1.9\r\nbusybox mirror/busybox 1.36\r\n"));
//! assert!(Checker::default().check("images-list", &list).is_empty());
//!
//! let diff = Diff::between(&base, &list);
//! let added = diff.added[0].row;
//! assert_eq!(added.source_reference().whole(), "docker.io/library/busybox:1.9");
//!
//! let problems = Checker::default().check("images-list", &List::parse("busybox:1.36 mirror/busybox\n"));
//! assert_eq!(
//!     format!("images-list:{}: {}", problems[0].line, problems[0]),
//!     "images-list:1: expected 3 fields (SOURCE DESTINATION TAG), found 2: \
//!      add the missing fields, or start the line with `#` to make it a comment",
//! );
//! # Ok(())
//! # }
//! ```
//!
//! # Invariants
//!
//! - Parsing never fails and loses nothing: a [`List`] that was not edited is written byte for byte
//!   as it was read. [`List::from_bytes`] refuses bytes that are not UTF-8.
//! - [`List::insert`] and [`List::remove`] change only the lines of the row, and the newline before
//!   it at the end of a file without a final newline. [`List::sort`] only moves lines. Only
//!   [`List::format`] rewrites them.
//! - The names and the tag of a [`Row`] are valid, but its targets may be unknown: the [`Checker`] and
//!   [`Targets::expand`] know. Rows are equal if they copy the same image to the
//!   same repository, whether they spell it `busybox` or `docker.io/library/busybox`. Destinations at
//!   targets are equal if they are written alike.
//! - A [`Lock`] is parsed as a whole or not at all. It is written from its list: one line for each
//!   locked row, in the order of the list, then one for each row of a followed entry.
//! - The order of rows is that of GNU `sort -V` in the C locale ([`compare_lines`]) over the lines as
//!   written, with whitespace and without endings, so that `sort -V -c` agrees with the [`Checker`].

mod arch_tags;
mod checker;
mod commented_row;
mod destination;
mod diff;
mod format;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod insert;
mod layout;
mod line;
mod list;
mod list_index;
mod lock;
mod mirror_name;
mod misplaced_rows;
mod problem;
mod row;
mod tag_column;
mod targets_file;
mod version_order;

pub use arch_tags::{WrittenTag, arch_tag_conflicts};
pub use checker::Checker;
pub use commented_row::CommentedRow;
pub use destination::{Destination, DestinationError, TargetName, TargetNameError, TargetPath};
pub use diff::Diff;
pub use insert::InsertOutcome;
pub use list::{List, NotUtf8};
pub use list_index::{ListIndex, Source, choose_destination};
pub use lock::{
    ApprovedDigest, ApprovedDigestError, AttachedDigests, EntryName, EntryNameError, FollowedRow,
    Lock, LockProblem, LockProblemKind, Signer, SignerError,
};
pub use mirror_name::default_mirror_name;
pub use problem::{Location, Problem, ProblemKind, Severity, SortPosition};
pub use row::{NumberedRow, Row, RowError};
pub use tag_column::{TagColumn, TagColumnError};
pub use targets_file::{
    DescriptionTemplate, DestinationTemplate, DestinationTemplateError, Expansion, ExpansionError,
    Expansions, NamingError, NamingRule, RepositoryCreation, RequestRate, Target, TargetPrefix,
    TargetPrefixError, Targets, TemplateError, WrittenRepository, targets_schema,
};
pub use version_order::compare_lines;
