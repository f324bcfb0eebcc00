//! The images that files, charts, bundles and catalogs name.
//!
//! A source is read whole and in memory; nothing is unpacked on disk. Every reader is bounded in bytes, files
//! and nesting. What a reader cannot read is a problem, and what it leaves out a note: no part is dropped
//! without a message.

mod bundle_image;
mod chart;
mod collected;
mod image_config;
mod layer_files;
mod source_problem;
mod text_files;
mod web_file;

pub use crate::entry::ChartConfig;
pub use bundle_image::BundleImages;
pub use chart::{ChartLocation, ChartSource};
pub use collected::CollectedImages;
#[cfg(any(test, fuzzing))]
pub(crate) use layer_files::fuzz_layer;
pub use source_problem::SourceProblem;
pub use text_files::{ReadFiles, TextFiles, TextOptions};
pub use web_file::read_url;
