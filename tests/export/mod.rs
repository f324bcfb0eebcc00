//! `mirror export` and `mirror inventory`.

mod archive;
mod base;
mod failures;
mod interrupted;
mod source;
