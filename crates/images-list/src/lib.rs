//! The list of mirrored images: a plain text file of rows `SOURCE DESTINATION TAG`.
//!
//! People review this file in pull requests and edit it by hand, so it is kept
//! as they wrote it: comments, blank lines, line endings. Reading it never
//! fails; what is wrong with it is collected, with line numbers, all at once.
//!
//! This crate is pure: it is given text and gives text back.

mod checker;
mod disorder;
mod format;
mod insert;
mod line;
mod list;
mod name_grammar;
mod problem;
mod repository;
mod row;
mod sections;
mod tag;
mod version_order;

pub use checker::Checker;
pub use insert::Inserted;
pub use list::{List, NotUtf8};
pub use name_grammar::RepositoryError;
pub use problem::{Neighbour, Place, Problem, ProblemKind, Severity};
pub use repository::Repository;
pub use row::{Row, RowAt, RowError};
pub use tag::{Tag, TagError, TagName};
pub use version_order::compare_lines;
