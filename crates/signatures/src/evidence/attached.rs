//! Everything that was attached to an image, as it was read.

use std::collections::BTreeMap;

use image_name::Digest;

/// The maximum size of one payload, envelope or bundle, in bytes. A caller need not read more.
pub const MAX_DOCUMENT: usize = 16 * 1024 * 1024;

/// The maximum number of layers and bundles that are examined for one image.
pub const MAX_SIGNATURES: usize = 256;

/// The media type of a layer that holds the payload of a classic signature.
pub const SIMPLE_SIGNING_MEDIA_TYPE: &str = "application/vnd.dev.cosign.simplesigning.v1+json";

/// The artifact types of referrers that are Sigstore bundles. The layer of such a manifest is the bundle.
pub const BUNDLE_MEDIA_TYPES: [&str; 4] = [
    "application/vnd.dev.sigstore.bundle.v0.3+json",
    "application/vnd.dev.sigstore.bundle+json;version=0.3",
    "application/vnd.dev.sigstore.bundle+json;version=0.2",
    "application/vnd.dev.sigstore.bundle+json;version=0.1",
];

/// Everything that was attached to an image and its children, as it was read.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// The layers of `sha256-HEX.sig`.
    pub signatures: Vec<ClassicLayer>,
    /// The layers of `sha256-HEX.att`.
    pub attestations: Vec<ClassicLayer>,
    /// The Sigstore bundles that refer to the image or a child.
    pub bundles: Vec<AttachedBundle>,
    /// The bytes of the image's manifest and its children's, by digest. Only bundles that sign the manifest itself
    /// (a message signature) need them.
    pub manifests: BTreeMap<Digest, Vec<u8>>,
    /// The reason why the lists above may be incomplete, such as a registry that denies to list referrers.
    pub gap: Option<String>,
}

/// A layer of a tag `sha256-HEX.sig` or `sha256-HEX.att`.
#[derive(Debug, Clone)]
pub struct ClassicLayer {
    /// The digest after which the tag is named.
    pub subject: Digest,
    /// The content: a payload in `.sig`, a DSSE envelope in `.att`.
    pub content: Vec<u8>,
    /// The annotations of the layer.
    pub annotations: BTreeMap<String, String>,
}

/// A Sigstore bundle that refers to an image.
#[derive(Debug, Clone)]
pub struct AttachedBundle {
    /// The digest that the bundle's manifest names as its subject.
    pub subject: Digest,
    /// The bundle, as JSON.
    pub content: Vec<u8>,
}
