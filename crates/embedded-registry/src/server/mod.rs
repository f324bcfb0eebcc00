//! The registry: endpoints of the distribution specification over blobs and manifests in memory.

mod access_log;
mod answer;
mod blobs;
mod failure;
mod lists;
mod manifests;
mod options;
mod range;
mod route;
mod running;
mod serve;
mod sessions;
mod shape;
mod site;
mod store;
mod uploads;

pub use access_log::LoggedRequest;
pub use options::{Catalog, Children, Links, Mounts, Referrers, Registry};
pub use running::RunningRegistry;
pub use store::StoredManifest;
