//! Real registries, and a real reverse proxy, run as processes on free ports of loopback.

mod access_log;
mod distribution;
mod nginx;
mod process;
mod referrers;

pub use access_log::Request;
pub use distribution::{Distribution, Storage, TokenAuth, Version};
pub use nginx::{Nginx, ProxiedRequest, forward_to, free_address};
pub use process::RegistryProcess;
pub use referrers::ReferrersRegistry;
