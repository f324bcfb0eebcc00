//! `mirror sync` and `mirror copy`: copy the images of the list, or one image.

mod args;
mod run;

pub(crate) use args::{CopyArgs, SyncArgs};
pub(crate) use run::{copy, sync};
