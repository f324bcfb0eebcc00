//! Images in rendered manifests.

use crate::context::Context;
use crate::extracted_image::{ExtractedImage, path_segment};
use crate::extracted_text::{ExtractedText, ImagePaths};
use crate::tree_extractor::{TextKind, TreeExtractor};
use crate::yaml::{Map, Node, split_documents};

/// The annotation of a Helm hook.
const HOOK: &str = "helm.sh/hook";

/// Extracts the images from a stream of manifests, such as the output of `helm template`, in order
/// and with repetitions.
///
/// For a document that does not parse, only its `image:` lines count. Custom resource definitions are
/// skipped.
#[must_use]
pub fn from_manifests(rendered: &str) -> Vec<ExtractedImage> {
    manifests(rendered, &mut ImagePaths::default()).images
}

/// Extracts the images from a stream of manifests, and those at further paths. Also returns the strings
/// that may be images, and a problem for each document that does not parse.
#[must_use]
pub fn manifests(rendered: &str, paths: &mut ImagePaths) -> ExtractedText {
    let mut extractor = TreeExtractor::new(TextKind::Manifest);
    let mut problems = Vec::new();
    for (document, number) in split_documents(rendered).into_iter().zip(1usize..) {
        match extractor.parse(document.text) {
            Some(roots) => {
                extractor.lines_before(document.line - 1);
                let unnamed = format!("document {number}");
                for root in &roots {
                    extract_object(&mut extractor, root, &unnamed, paths);
                }
            }
            None => {
                extractor.extract_lines("rendered", document.text, document.line - 1);
                let problem = "is not YAML: only its `image:` lines were read";
                problems.push(format!("line {}: the document {problem}", document.line));
            }
        }
    }
    let (images, suspects) = extractor.finish();
    ExtractedText {
        images,
        suspects,
        problems,
        ..ExtractedText::default()
    }
}

/// Extracts the images of one object, or of the objects in a Kubernetes list.
fn extract_object(
    extractor: &mut TreeExtractor,
    node: &Node,
    unnamed: &str,
    paths: &mut ImagePaths,
) {
    let Node::Map(map) = node else {
        return extractor.extract(&format!("{unnamed}: "), node, Context::ROOT);
    };
    let kind = map.text("kind");
    match map.get("items") {
        Some(Node::List(items)) if kind.is_some_and(|kind| kind.ends_with("List")) => {
            for item in items {
                extract_object(extractor, item, unnamed, paths);
            }
        }
        _ => {
            let kind = kind.map_or_else(|| unnamed.to_owned(), |kind| path_segment(kind, &[]));
            // Names of roles contain colons.
            let name = object_name(map).map(|name| format!("/{}", path_segment(name, &['.', ':'])));
            let name = format!("{kind}{}: ", name.unwrap_or_default());
            extractor.in_test(is_test_hook(map));
            extractor.extract(&name, node, Context::ROOT);
            paths.extract(extractor, &name, node);
            extractor.in_test(false);
        }
    }
}

/// Returns true if an object exists only while `helm test` runs.
fn is_test_hook(object: &Map) -> bool {
    let annotations = object
        .map("metadata")
        .and_then(|metadata| metadata.map("annotations"));
    let hooks = annotations.and_then(|annotations| annotations.text(HOOK));
    let mut hooks = hooks
        .unwrap_or_default()
        .split(',')
        .map(str::trim)
        .peekable();
    let is_test = |hook: &str| matches!(hook, "test" | "test-success" | "test-failure");
    hooks.peek().is_some() && hooks.all(is_test)
}

fn object_name(object: &Map) -> Option<&str> {
    let metadata = object.map("metadata")?;
    metadata
        .text("name")
        .or_else(|| metadata.text("generateName"))
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

    #[test]
    fn images_have_lines_and_tests_are_marked() {
        let rendered = r#"---
kind: Pod
metadata:
  name: a
  annotations: {helm.sh/hook: test}
spec:
  containers:
  - name: a
    image: a/a:1
---
kind: ConfigMap
data:
  pod: |
    spec:
      image: a/b:1
  json: '{"image": "a/c:1"}'
  toml: |
    [x]
    image = "a/d:1"
---
kind: Pod
metadata: {annotations: {"helm.sh/hook": "post-install,test"}}
image: {repository: a/e,
  tag: v1}
"#;
        let found = from_manifests(rendered);
        let found: Vec<_> = found
            .iter()
            .map(|one| (&*one.repository, one.line, one.is_test))
            .collect();
        let expected = [
            ("a/a", 9, true),
            ("a/b", 15, false),
            ("a/c", 16, false),
            ("a/d", 19, false),
            ("a/e", 23, false),
        ];
        assert_eq!(found, expected);
    }
}
