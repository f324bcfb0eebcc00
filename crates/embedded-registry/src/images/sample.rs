//! A realistic image from a name and a seed.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;

use super::bundle::Bundle;
use super::format::Format;
use super::image::Image;
use super::index::Index;
use super::layer::Layer;
use super::platform::Platform;

/// The number of random bytes in a base layer.
const BASE_SIZE: usize = 64 * 1024;

/// The number of random bytes in every other layer.
const LAYER_SIZE: usize = 8 * 1024;

/// Returns an OCI index with an image for each platform and an attestation for each image. Every
/// image has `layers` layers. The lowest depends on the platform only, so that samples share it like
/// images share a base.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use embedded_registry::images::{Platform, sample_image};
///
/// let platforms = [Platform::linux("amd64"), Platform::linux("arm64")];
/// let image = sample_image("demo", 1, &platforms, 3)?;
/// assert_eq!(image.digest(), sample_image("demo", 1, &platforms, 3)?.digest());
/// assert_ne!(image.digest(), sample_image("demo", 2, &platforms, 3)?.digest());
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// None in practice, see [`Layer::random`].
pub fn sample_image(
    name: &str,
    seed: u64,
    platforms: &[Platform],
    layers: usize,
) -> io::Result<Bundle> {
    let mut index = Index::new(Format::Oci);
    for platform in platforms {
        let fields = serde_json::Value::Object(platform.fields()).to_string();
        let mut image = Image::new(Format::Oci, platform.clone())
            .label("org.opencontainers.image.title", name)
            .label("org.opencontainers.image.version", &seed.to_string());
        for number in 0..layers {
            image = image.layer(match number {
                0 => Layer::random(seed_of(&fields), BASE_SIZE)?,
                _ => Layer::random(seed_of(&(name, seed, &fields, number)), LAYER_SIZE)?,
            });
        }
        let image = image.build();
        index = index.attestation(&image).child(image);
    }
    Ok(index.build())
}

/// Returns a seed. `DefaultHasher::new()` has fixed keys, so equal inputs make equal seeds.
fn seed_of(input: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    input.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn samples_share_the_base_layer_of_each_platform() {
        let platforms = [
            Platform::linux("amd64"),
            Platform::linux("arm").variant("v7"),
        ];
        let [first, second] = [1, 2].map(|seed| sample_image("a", seed, &platforms, 3).unwrap());
        let blobs = |bundle: &Bundle| -> HashSet<String> {
            let layers = bundle
                .blobs()
                .into_iter()
                .filter(|blob| blob.media_type().contains("tar"));
            layers.map(|blob| blob.digest().to_string()).collect()
        };
        assert_eq!(blobs(&first).len(), 6, "platforms share no layer");
        assert_eq!(blobs(&first).intersection(&blobs(&second)).count(), 2);
    }
}
