//! Against real registries, checked with clients that are not ours.

mod contents;
mod pair;
mod referrers;
