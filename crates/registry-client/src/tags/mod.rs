//! The tags of a repository: lists, their pages, and the requests for them.

mod requests;
mod tag_list;
mod tag_lists;
mod tag_pages;

pub use tag_list::{Listing, TagList};
pub use tag_lists::TagLists;
