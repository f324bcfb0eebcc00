//! `mirror sync` and `mirror copy`: copy the images of the list, or one image.

mod args;
mod copy;
mod run;

pub(crate) use args::{CopyArgs, SyncArgs};
pub(crate) use copy::copy;
pub(crate) use run::sync;
