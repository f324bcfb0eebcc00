//! One list on many machines, without coordination: each does its share of the
//! destination repositories.

mod partition;
mod shard;

pub(crate) use partition::shares;
pub(crate) use shard::Shard;
