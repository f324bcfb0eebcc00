//! A row of the list.

use image_name::Digest;
use oci_spec::distribution::Reference;

/// One image and its destination: a row of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The source image, with a tag or a digest.
    pub source: Reference,
    /// The destination, with a tag or a digest.
    pub destination: Reference,
    /// The approved digest. A source tag with another digest has moved, and is not followed.
    pub approved: Option<Digest>,
}
