//! `mirror export` and `mirror inventory`.

mod archive;
mod base;
mod failures;
mod foreign_layers;
mod interrupted;
mod one_percent;
mod source;
