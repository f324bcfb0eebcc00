//! `mirror import` and `mirror bundle`.

mod deltas;
mod import;
mod killed;
mod media;
mod round_trip;
mod test_bundle;
mod whole_list;

pub(crate) use test_bundle::{TestBundle, append, ended, header};
