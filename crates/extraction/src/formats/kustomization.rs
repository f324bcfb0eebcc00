//! kustomization.yaml: the files that it names, and its `images` transformers.

use std::collections::BTreeSet;

use image_name::without_docker_hub;

use crate::extracted_image::{Evidence, ExtractedImage};
use crate::extracted_text::{ExtractedText, Include};
use crate::image_reference::{ImageReference, TagOrDigest};
use crate::yaml::{AliasBudget, Map, Node, parse, split_documents};

/// Keys with the resources to read.
const RESOURCES: [&str; 3] = ["resources", "bases", "components"];

/// Keys with changes that only kustomize itself can apply.
const PATCHES: [&str; 4] = [
    "patches",
    "patchesStrategicMerge",
    "patchesJson6902",
    "replacements",
];

/// A parsed kustomization.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kustomization {
    /// The files and directories of `resources`, `bases` and `components`.
    pub resources: Vec<Include>,
    /// The `images` transformers.
    transformers: Vec<Transformer>,
    /// The parts that this reader does not apply.
    pub problems: Vec<String>,
}

/// An item of `images`: new names and tags for images with a name.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Transformer {
    line: usize,
    index: usize,
    name: String,
    new_name: Option<String>,
    new_tag: Option<String>,
    suffix: String,
    digest: Option<String>,
}

impl Kustomization {
    /// Parses a kustomization.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut read = Self::default();
        let mut budget = AliasBudget::default();
        for document in split_documents(text) {
            let Some(roots) = parse(document.text, &mut budget) else {
                let problem = format!("line {}: the kustomization is not YAML", document.line);
                read.problems.push(problem);
                continue;
            };
            for root in roots {
                if let Node::Map(map) = &*root {
                    read.document(map, document.line - 1);
                }
            }
        }
        read
    }

    fn document(&mut self, map: &Map, before: usize) {
        for key in RESOURCES {
            let resources = map.scalars(key).map(|path| Include {
                path: path.text.clone(),
                line: before + path.line,
            });
            self.resources.extend(resources);
        }
        for (image, index) in map.maps("images").zip(0usize..) {
            let Some(name) = image.scalar("name") else {
                continue;
            };
            let text = |key| image.filled(key).map(str::to_owned);
            self.transformers.push(Transformer {
                line: before + name.line,
                index,
                name: name.text.clone(),
                new_name: text("newName"),
                new_tag: text("newTag"),
                suffix: text("tagSuffix").unwrap_or_default(),
                digest: text("digest"),
            });
        }
        let line = |key: &str| {
            let mut entries = map.0.iter();
            entries.find_map(|(name, _)| (**name == *key).then_some(before + name.line))
        };
        for key in PATCHES {
            let names_images = map.get(key).is_some_and(mentions_image);
            if let (Some(line), true) = (line(key), names_images) {
                self.problems.push(format!(
                    "line {line}: `{key}` may change images and is not applied; pipe the output of `kustomize build` instead"
                ));
            }
        }
        for key in ["helmCharts", "helmChartInflationGenerator"] {
            if let Some(line) = line(key) {
                self.problems.push(format!(
                    "line {line}: the charts of `{key}` are not rendered; name them as sources, or pipe the output of `kustomize build --enable-helm`"
                ));
            }
        }
    }

    /// Applies the transformers to the images of the resources. With `is_complete`, all resources were read,
    /// and a transformer without an image is noted; otherwise it counts as an image.
    #[must_use]
    pub fn transform<'a>(
        &self,
        images: impl Iterator<Item = &'a mut ExtractedImage>,
        is_complete: bool,
    ) -> ExtractedText {
        let mut used = BTreeSet::new();
        for image in images {
            let name = |transformer: &Transformer| {
                without_docker_hub(&transformer.name) == image.repository
            };
            if let Some(at) = self.transformers.iter().position(name) {
                self.transformers[at].apply(image);
                used.insert(at);
            }
        }
        let mut found = ExtractedText::default();
        for (transformer, at) in self.transformers.iter().zip(0usize..) {
            if used.contains(&at) {
                continue;
            }
            match transformer.image().filter(|_| !is_complete) {
                Some(image) => found.images.push(image),
                None => found.notes.push(format!(
                    "line {}: images[{}] `{}` matches no image of the resources",
                    transformer.line, transformer.index, transformer.name
                )),
            }
        }
        found
    }
}

impl Transformer {
    fn apply(&self, image: &mut ExtractedImage) {
        if let Some(name) = &self.new_name {
            without_docker_hub(name).clone_into(&mut image.repository);
        }
        if let (Some(tag), _) | (None, TagOrDigest::Tag(tag)) = (&self.new_tag, &image.version) {
            let tag = format!("{tag}{}", self.suffix);
            if self.new_tag.is_some() || !self.suffix.is_empty() {
                image.pin = None;
            }
            image.version = TagOrDigest::Tag(tag);
        }
        if let Some(digest) = &self.digest {
            match &self.new_tag {
                Some(_) => image.pin = Some(digest.clone()),
                None => {
                    image.version = TagOrDigest::Digest(digest.clone());
                    image.pin = None;
                }
            }
        }
        image.location = format!(
            "{}, images[{}] of the kustomization",
            image.location, self.index
        );
    }

    /// Returns the image that the transformer alone names.
    fn image(&self) -> Option<ExtractedImage> {
        let name = self.new_name.as_ref().unwrap_or(&self.name);
        let tag = self
            .new_tag
            .as_ref()
            .map(|tag| format!(":{tag}{}", self.suffix));
        let digest = self.digest.as_ref().map(|digest| format!("@{digest}"));
        let text = format!(
            "{name}{}{}",
            tag.unwrap_or_default(),
            digest.unwrap_or_default()
        );
        let reference = ImageReference::parse(&text).ok()?;
        let location = format!("images[{}]", self.index);
        Some(ExtractedImage::new(reference, Evidence::Medium, location).at_line(self.line))
    }
}

/// Returns true if a key or text below a node contains `image`.
fn mentions_image(node: &Node) -> bool {
    let mentions = |text: &str| text.to_ascii_lowercase().contains("image");
    match node {
        Node::Null => false,
        Node::Scalar(text) => mentions(text) || text.ends_with(".yaml") || text.ends_with(".yml"),
        Node::List(items) => items.iter().any(|item| mentions_image(item)),
        Node::Map(map) => {
            let mut entries = map.0.iter();
            entries.any(|(key, value)| mentions(key) || mentions_image(value))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::from_manifests;

    const DIGEST: &str = "sha256:ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";

    #[test]
    fn transformers_change_images_with_their_name() {
        let text = format!(
            "resources: [a.yaml, ../base]
components: [c]
images:
- {{name: nginx, newName: q.io/n/nginx, newTag: '1.27'}}
- {{name: a/b, digest: '{DIGEST}'}}
- {{name: a/c, newTag: v2, digest: '{DIGEST}'}}
- {{name: a/d, tagSuffix: -slim}}
- {{name: a/none, newTag: v9}}
patches:
- patch: |-
    - op: replace
      path: /spec/template/spec/containers/0/image
      value: x
"
        );
        let kustomization = Kustomization::parse(&text);
        let paths: Vec<_> = kustomization
            .resources
            .iter()
            .map(|one| &*one.path)
            .collect();
        assert_eq!(paths, ["a.yaml", "../base", "c"]);
        assert!(kustomization.problems[0].starts_with("line 9: `patches`"));
        let rendered = "kind: Pod\nspec: [{image: 'nginx:1.25'}, {image: 'a/b:1'}, {image: 'a/c:1'}, \
                        {image: 'a/d:1'}, {image: 'q.io/nginx:1'}]\n";
        let transformed = |is_complete| {
            let mut images = from_manifests(rendered);
            let added = kustomization.transform(images.iter_mut(), is_complete);
            images.extend(added.images);
            let show = |image: &ExtractedImage| match (&image.version, &image.pin) {
                (TagOrDigest::Tag(tag), None) => format!("{}:{tag}", image.repository),
                (TagOrDigest::Tag(tag), Some(_)) => format!("{}:{tag}@", image.repository),
                (TagOrDigest::Digest(_), _) => format!("{}@", image.repository),
            };
            let images: Vec<_> = images.iter().map(show).collect();
            (images.join(" "), added.notes)
        };
        let (images, notes) = transformed(true);
        assert_eq!(
            images,
            "q.io/n/nginx:1.27 a/b@ a/c:v2@ a/d:1-slim q.io/nginx:1"
        );
        assert_eq!(
            notes,
            ["line 8: images[4] `a/none` matches no image of the resources"]
        );
        let (images, notes) = transformed(false);
        assert!(images.ends_with(" a/none:v9"), "{images}");
        assert_eq!(notes, [""; 0]);
    }
}
