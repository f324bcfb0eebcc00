//! The plan of an archive: from the content of a copy to the members in their order, with all sizes known before
//! the first blob is read.

mod docker_images;
mod error;
mod export_plan;
mod index_entries;
mod planned_image;
mod walk;

pub use docker_images::DockerPlatform;
pub use error::{PlanError, UnknownContent};
pub use export_plan::{ContentsSignature, Document, ExportPlan, PlanInput, PlannedBlob};
pub use planned_image::{ContentHead, ImageShare, PlannedImage};
