//! The server: the distribution specification's endpoints over content in memory.

mod access_log;
mod api_error;
mod blobs;
mod handler;
mod lists;
mod manifest_fields;
mod manifests;
mod range;
mod registry;
mod request_body;
mod response;
mod route;
mod running_registry;
mod state;
mod store;
mod upload_sessions;
mod uploads;

pub use access_log::LoggedRequest;
pub use registry::{Blobs, Catalog, Children, Links, Mounts, Referrers, Registry};
pub use running_registry::RunningRegistry;
pub use store::StoredManifest;
