//! Independent clients that check results. They do not share the mistakes of our code.

mod cosign;
mod crane;
mod helm;
mod home;
mod skopeo;
mod tag_watcher;

pub use cosign::Cosign;
pub use crane::Crane;
pub use helm::Helm;
pub use home::CommandError;
pub use skopeo::Skopeo;
pub use tag_watcher::{TagWatch, TagWatcher};
