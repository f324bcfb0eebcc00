//! `mirror digest`: prints the digest of an image.

mod run;

pub(crate) use run::{DigestArgs, run};
