//! The images of the matrix.

use std::sync::LazyLock;

use embedded_registry::images::{
    Artifact, Bundle, Format, Image, Index, Layer, Platform, digest_tag,
};

/// The digest of the layer that is streamed; smaller blobs are read whole before they are sent.
pub static STREAMED: LazyLock<String> = LazyLock::new(|| digest_of_largest(&Images::new().faulty));

/// The images of a source.
#[derive(Debug)]
pub struct Images {
    /// Copied first, so that the client knows the hosts.
    pub seed: Bundle,
    /// The index whose requests have the fault.
    pub faulty: Bundle,
    /// The signature, under a digest tag of cosign.
    pub signature: Bundle,
    /// The referrer, in the referrers API.
    pub referrer: Bundle,
    /// The image of the other row, without faults. It shares a layer with `faulty`.
    pub healthy: Bundle,
}

impl Images {
    pub fn new() -> Self {
        let layer = |seed, size| Layer::random(seed, size).unwrap();
        let image = |name: &str, layers: Vec<Layer>| {
            let image = Image::new(Format::Oci, Platform::linux("amd64")).label("name", name);
            layers.into_iter().fold(image, Image::layer).build()
        };
        let shared = layer(1, 2_000);
        let child = image("faulty", vec![shared.clone(), layer(3, 200_000)]);
        let faulty = Index::new(Format::Oci).child(child).build();
        let referrer = Artifact::new("application/vnd.example.sbom")
            .blob("application/json", r#"{"packages": []}"#)
            .subject(&faulty);
        Self {
            seed: image("seed", vec![layer(4, 1_000)]),
            signature: Artifact::cosign_signature(faulty.digest()).build(),
            referrer: referrer.build(),
            healthy: image("healthy", vec![shared]),
            faulty,
        }
    }

    /// Returns the tag of the signature.
    pub fn signature_tag(&self) -> String {
        digest_tag(self.faulty.digest(), Some("sig"))
    }
}

fn digest_of_largest(image: &Bundle) -> String {
    let blobs = image.blobs().into_iter();
    let largest = blobs.max_by_key(|blob| blob.bytes().len()).unwrap();
    largest.digest().to_string()
}
