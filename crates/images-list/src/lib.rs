//! The list of mirrored images: a text file of rows `SOURCE DESTINATION TAG`.
//!
//! # The problem
//!
//! The list is reviewed in pull requests, edited by hand and by jobs, and read
//! by scripts. So whatever edits it must leave every other byte alone, must put
//! rows where `sort -V` would, and must say everything that is wrong with a
//! file at once and by line. This crate does that with text alone: it reads no
//! files, sends no requests and knows no time.
//!
//! # Example
//!
//! ```
//! use images_list::{Checker, Diff, Index, Inserted, List, Row};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let text = "# SOURCE DESTINATION TAG\r\nbusybox mirror/busybox 1.36\r\n";
//! let base = List::parse(text);
//! assert_eq!(base.to_string(), text);
//!
//! // Another tag of a source goes to each of its destinations.
//! let source = "docker.io/library/busybox".parse()?;
//! let index = Index::of(&base);
//! let known = index.source(&source).ok_or("not in the list")?;
//! let mut list = base.clone();
//! for destination in &known.destinations {
//!     let destination = (*destination).clone();
//!     let row = Row { source: known.repository.clone(), destination, tag: "1.9".parse()? };
//!     assert_eq!(list.insert(row), Inserted::New { line: 2 });
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
//!     "images-list:1: 2 fields instead of 3, SOURCE DESTINATION TAG: \
//!      add what is missing, or begin the line with `#` to make it a comment",
//! );
//! # Ok(())
//! # }
//! ```
//!
//! # Invariants
//!
//! - Reading never fails and loses nothing: a [`List`] that was not edited is
//!   written byte for byte as it was read. Bytes that are no UTF-8 are refused
//!   by [`List::from_bytes`], before there is a list.
//! - [`List::insert`] and [`List::remove`] change no line but the row's own
//!   (and the newline before it at the end of a file that does not end in one).
//!   [`List::sort`] only moves lines. Only [`List::format`] rewrites them.
//! - A [`Row`] cannot be wrong: its names and its tag were checked. Two rows
//!   are equal if they mean the same, whether they say `busybox` or
//!   `docker.io/library/busybox`.
//! - A [`Lock`] is read as a whole or not at all, and written from the list it
//!   belongs to: a line for each locked row, in the list's order.
//! - Order is that of GNU `sort -V` in the C locale ([`compare_lines`]) over the
//!   lines as written, blanks included and line endings left out, so that
//!   `sort -V -c` agrees with the [`Checker`].

mod checker;
mod commented;
mod destination;
mod diff;
mod disorder;
mod format;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod index;
mod insert;
mod line;
mod list;
mod lock;
mod name_grammar;
mod problem;
mod repository;
mod row;
mod sections;
mod tag;
mod version_order;

pub use checker::Checker;
pub use commented::CommentedRow;
pub use diff::Diff;
pub use index::{Index, Source};
pub use insert::Inserted;
pub use list::{List, NotUtf8};
pub use lock::{Approved, Lock, LockProblem, LockProblemKind, NotApproved};
pub use name_grammar::RepositoryError;
pub use problem::{Neighbour, Place, Problem, ProblemKind, Severity};
pub use repository::Repository;
pub use row::{Row, RowAt, RowError};
pub use tag::{Tag, TagError, TagName};
pub use version_order::compare_lines;
