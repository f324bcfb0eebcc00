//! Whether images and repositories are there, asked of registries and, where
//! they have one, of their own APIs.

mod looked;
mod lookout;
mod missing;

pub(crate) use looked::{Looked, Trouble};
pub(crate) use lookout::Lookout;
pub(crate) use missing::missing_destination;
