//! Images in rendered manifests.

use crate::extracted_image::{ExtractedImage, path_segment};
use crate::tree_extractor::{Context, TextKind, TreeExtractor};
use crate::yaml::{Map, Node, split_documents};

/// Extracts the images from a stream of manifests, such as the output of `helm template`, in order
/// and with repetitions.
///
/// For a document that does not parse, only its `image:` lines count. Custom resource definitions are
/// skipped.
#[must_use]
pub fn from_manifests(rendered: &str) -> Vec<ExtractedImage> {
    let mut extractor = TreeExtractor::new(TextKind::Manifest);
    for (document, number) in split_documents(rendered).into_iter().zip(1usize..) {
        match extractor.parse(document.text) {
            Some(roots) => {
                let unnamed = format!("document {number}");
                roots
                    .iter()
                    .for_each(|root| extract_object(&mut extractor, root, &unnamed));
            }
            None => extractor.extract_lines("rendered", document.text, document.line - 1),
        }
    }
    extractor.into_images()
}

/// Extracts the images of one object, or of the objects in a Kubernetes list.
fn extract_object(extractor: &mut TreeExtractor, node: &Node, unnamed: &str) {
    let Node::Map(map) = node else {
        return extractor.extract(&format!("{unnamed}: "), node, Context::ROOT);
    };
    let kind = map.text("kind");
    match map.get("items") {
        Some(Node::List(items)) if kind.is_some_and(|kind| kind.ends_with("List")) => {
            for item in items {
                extract_object(extractor, item, unnamed);
            }
        }
        _ => {
            let kind = kind.map_or_else(|| unnamed.to_owned(), |kind| path_segment(kind, &[]));
            // Names of roles contain colons.
            let name = object_name(map).map(|name| format!("/{}", path_segment(name, &['.', ':'])));
            let name = format!("{kind}{}: ", name.unwrap_or_default());
            extractor.extract(&name, node, Context::ROOT);
        }
    }
}

fn object_name(object: &Map) -> Option<&str> {
    match object.get("metadata")? {
        Node::Map(metadata) => metadata
            .text("name")
            .or_else(|| metadata.text("generateName")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn location_is_the_path_to_the_image() {
        let rendered = r#"
kind: Deployment
metadata: {name: web}
spec:
  containers:
  - image: a/a:1
    args: [-v, --image=a/b:1]
    env: [{name: THE_IMAGE, value: "a/c:1"}]
  volumes: [{image: {reference: "a/d:1"}}]
---
kind: ConfigMapList
items:
- kind: ConfigMap
  metadata: {name: config}
  data:
    pod.yaml: |
      spec: [{image: {repository: a/e, tag: v1}}]
---
{kind: Pod, metadata: {generateName: some-}, image: "a/h:1"}
---
image: a/f:1
---
broken: [
image: a/g:1
"#;
        let found = from_manifests(rendered);
        let found: Vec<_> = found
            .iter()
            .map(|one| (&*one.repository, &*one.location))
            .collect();
        let expected = [
            ("a/a", "Deployment/web: spec.containers[0].image"),
            ("a/b", "Deployment/web: spec.containers[0].args"),
            (
                "a/c",
                "Deployment/web: spec.containers[0].env[0].value of THE_IMAGE",
            ),
            ("a/d", "Deployment/web: spec.volumes[0].image.reference"),
            ("a/e", "ConfigMap/config: data.\"pod.yaml\" > spec[0].image"),
            ("a/h", "Pod/some-: image"),
            ("a/f", "document 4: image"),
            ("a/g", "rendered line 24"),
        ];
        assert_eq!(found, expected);
    }
}
