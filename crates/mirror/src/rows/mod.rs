//! What the commands over rows share: selecting rows, copying them, adding them,
//! and what was approved for them.

pub(crate) mod adding;
pub(crate) mod approvals;
pub(crate) mod copying;
mod partition;
pub(crate) mod select_args;
pub(crate) mod selection;
pub(crate) mod shard;
