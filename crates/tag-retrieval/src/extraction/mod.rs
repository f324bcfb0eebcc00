//! Finding images in texts: what a chart renders, its values and annotations,
//! a file of images.
//!
//! Pure: texts go in, [`Mention`]s come out, and [`choose`] makes of them what
//! is proposed. Text is taken for an image only if all of it fits the grammar
//! of a reference and it has a tag; how much more it needs depends on where it
//! stands.
//!
//! ```
//! use tag_retrieval::extraction::{Rules, choose, in_manifests, in_values};
//!
//! let rendered = "
//! kind: Pod
//! metadata: {name: web}
//! spec:
//!   containers:
//!   - image: docker.io/nginx:1.10
//! ";
//! let values = "image: {repository: nginx, tag: 1.9}\nother: {image: quay.io/a/b:v2}";
//! let mut mentions = in_manifests(rendered);
//! mentions.extend(in_values(values));
//!
//! let chosen = choose(mentions, &Rules::default());
//! let found = |at: usize| (&*chosen.images[at].image, &*chosen.images[at].tag);
//! assert_eq!(found(0), ("nginx", "1.10"));
//! assert_eq!(chosen.images[0].place, "Pod/web: spec.containers[0].image");
//! assert_eq!(found(1), ("quay.io/a/b", "v2"));
//! // What is rendered beats what the values say of the same repository.
//! assert_eq!(chosen.dropped[0].what, "nginx:1.9");
//! ```

mod annotations;
mod arguments;
mod choose;
mod documents;
mod images_file;
mod joined;
mod keys;
mod lines;
mod manifests;
mod mention;
mod reference;
mod rendered;
mod templates;
mod tree;
mod values;
mod walk;

pub use annotations::in_annotations;
pub use choose::{Chosen, ChosenImage, Rules, choose};
pub use images_file::{ImagesFile, in_images_file};
pub use manifests::in_manifests;
pub use mention::{Evidence, Mention, Pin};
pub(crate) use reference::normal;
pub use values::in_values;
