//! Finding images in texts: what a chart renders, its values and annotations,
//! a file of images.
//!
//! Pure: texts go in, [`Mention`]s come out, and [`choose`] makes of them what
//! is proposed. Text is taken for an image only if all of it fits the grammar
//! of a reference and it has a tag; how much more it needs depends on where it
//! stands.
//!
//! ```
//! use tag_retrieval::extraction::{Rules, choose, in_images_file};
//!
//! let file = in_images_file("docker.io/a/b:v1 # of b\na/b:latest\n");
//! let chosen = choose(file.mentions, &Rules::default());
//! assert_eq!((&*chosen.images[0].image, &*chosen.images[0].tag), ("a/b", "v1"));
//! assert_eq!(chosen.dropped[0].what, "a/b:latest");
//! ```

mod choose;
mod images_file;
mod mention;
mod reference;

pub use choose::{Chosen, ChosenImage, Rules, choose};
pub use images_file::{ImagesFile, in_images_file};
pub use mention::{Evidence, Mention, Pin};
