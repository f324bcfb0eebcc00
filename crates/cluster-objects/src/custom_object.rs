//! Images in objects without known fields: custom resources, config maps, operators' settings.

use extraction::{TagOrDigest, from_manifests};
use image_name::ImageName;

/// The annotation in which kubectl keeps the object as it was last applied. Its images may be old.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Returns the images in the text of an object, each once, with their paths.
pub(crate) fn extracted(text: &str) -> Vec<(ImageName, String)> {
    let mut found: Vec<(ImageName, String)> = Vec::new();
    for image in from_manifests(text) {
        if image.location.contains(LAST_APPLIED) {
            continue;
        }
        let name = match &image.version {
            TagOrDigest::Tag(tag) => {
                let name = format!("{}:{tag}", image.repository);
                let digest = digest_behind(text, &name);
                format!("{name}{}", digest.unwrap_or_default())
            }
            TagOrDigest::Digest(digest) => format!("{}@{digest}", image.repository),
        };
        let Ok(name) = name.parse::<ImageName>() else {
            continue;
        };
        if found.iter().all(|(other, _)| *other != name) {
            let path = image.location.split_once(": ").map(|(_, path)| path);
            found.push((name, path.unwrap_or(&image.location).to_owned()));
        }
    }
    found
}

/// Returns the `@DIGEST` behind a name, which the extraction does not keep beside a tag.
fn digest_behind<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let start = text.find(&format!("{name}@sha256:"))? + name.len();
    text.get(start..start + "@sha256:".len() + 64)
}

/// Reports whether the text of an object may have images. Most objects have none, and parsing is slow.
pub(crate) fn may_have_images(text: &str) -> bool {
    let words = ["image", "Image", "IMAGE", "repository", "\"hub\""];
    text.contains(['/', ':']) && words.iter().any(|word| text.contains(word))
}
