//! Real registries, run as processes on free ports of loopback.

mod access_log;
mod distribution;
mod process;
mod referrers;

pub use access_log::Request;
pub use distribution::{Distribution, Storage, TokenAuth, Version};
pub use process::RegistryProcess;
pub use referrers::ReferrersRegistry;
