//! Clients that are not ours, to check what arrived: a mistake that our code makes on both sides
//! they do not make.

mod crane;
mod helm;
mod home;
mod skopeo;
mod tag_watcher;

pub use crane::Crane;
pub use helm::Helm;
pub use home::Failed;
pub use skopeo::Skopeo;
pub use tag_watcher::{Sightings, TagWatcher};
