//! What the commands over rows share: selecting rows, copying them, adding them,
//! and what was approved for them.

pub(crate) mod adding;
pub(crate) mod approvals;
pub(crate) mod copying;
pub(crate) mod mutable_args;
mod partition;
pub(crate) mod platform_args;
pub(crate) mod row_json;
pub(crate) mod select_args;
pub(crate) mod selection;
pub(crate) mod shard;
