//! `mirror images`

mod bundles;
mod charts;
mod files;
mod lists;
