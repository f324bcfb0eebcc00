//! What the commands over rows share: selecting rows, copying them, adding them,
//! and what was approved for them.

pub(crate) mod adding;
pub(crate) mod approvals;
mod changed_since;
pub(crate) mod copying;
pub(crate) mod globs;
mod overrides;
mod partition;
pub(crate) mod platform_args;
pub(crate) mod select_args;
pub(crate) mod selection;
pub(crate) mod shard;
