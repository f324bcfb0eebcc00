//! `mirror import` and `mirror bundle`.

mod import;
mod test_bundle;

pub(crate) use test_bundle::{TestBundle, append, ended, header};
