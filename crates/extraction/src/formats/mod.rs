//! The formats of files that name images.

mod catalog;
mod compose;
mod dockerfile;
mod interpolation;
mod kustomization;
mod package_files;
mod text_format;

pub use catalog::{Catalog, CatalogSelection, PackageSelection, PackageSelectionError};
pub use compose::compose;
pub use dockerfile::dockerfile;
pub use interpolation::{Variables, parse_variables};
pub use kustomization::Kustomization;
pub use package_files::{hauler, images_lock, zarf};
pub use text_format::{TextFormat, TextFormatError};
