//! Container images named in text: rendered manifests, chart values, chart annotations, image files.
//!
//! # The problem
//!
//! A chart or a release names its images in many places: `image:` keys, environment variables,
//! command arguments, YAML embedded in config maps, repository and tag in separate keys. This crate
//! collects them, rates the evidence for each, and proposes the ones that belong in a list.
//!
//! ```
//! use extraction::{ProposalRules, from_manifests, from_values, propose};
//!
//! let rendered = "
//! kind: Pod
//! metadata: {name: web}
//! spec:
//!   containers:
//!   - image: docker.io/nginx:1.10
//! ";
//! let values = "image: {repository: nginx, tag: 1.9}\nother: {image: quay.io/a/b:v2}";
//! let mut extracted = from_manifests(rendered);
//! extracted.extend(from_values(values));
//!
//! let proposal = propose(extracted, &ProposalRules::default());
//! let image = |at: usize| (&*proposal.images[at].repository, &*proposal.images[at].tag);
//! assert_eq!(image(0), ("nginx", "1.10"));
//! assert_eq!(proposal.images[0].location, "Pod/web: spec.containers[0].image");
//! assert_eq!(image(1), ("quay.io/a/b", "v2"));
//! // A rendered manifest outweighs the values for the same repository.
//! assert_eq!(proposal.dropped[0].to_string(), "nginx:1.9");
//! ```
//!
//! # Invariants
//!
//! - Pure: the functions read text and return values. They access no file, network or clock.
//! - A string counts as an image only if all of it matches the grammar of a reference and has a tag
//!   or digest. Weaker locations require more, such as a host and a digit in the tag.
//! - Every image that is found and not proposed is in [`Proposal::dropped`] with a reason.
//! - No input panics, and the work that YAML aliases can cause is bounded.

mod chart_files;
mod command_arguments;
mod context;
mod extracted_image;
mod extracted_text;
pub mod formats;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod image_fields;
mod image_lines;
mod image_path;
mod image_reference;
mod images_file;
mod json_from_yaml;
mod key_kind;
mod manifests;
mod needed_images;
mod organization;
mod proposal;
mod rendered_tags;
mod settings_text;
mod subcharts;
mod suspects;
mod tree_extractor;
mod variables;
mod yaml;

pub use chart_files::{from_annotations, from_values, values};
pub use extracted_image::{Evidence, ExtractedImage, Suspect};
pub use extracted_text::{ExtractedText, ImagePaths, Include};
pub use image_path::{ImagePath, ImagePathError};
pub use image_reference::{TagOrDigest, normalized_repository};
pub use images_file::ImagesFile;
pub use json_from_yaml::json_from_yaml;
pub use manifests::{from_manifests, manifests};
pub use needed_images::{LeftOut, NeedRules, NeededImage, NeededImages, Place, PlacedImage};
pub use organization::Organization;
pub use proposal::{DroppedImage, Proposal, ProposalRules, ProposedImage, UntaggedImage, propose};
pub use subcharts::{ChartText, from_subcharts};
